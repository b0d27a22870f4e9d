// The standard's function objects under the names that Mesos gives them.

#ifndef STOUT_LAMBDA_HPP
#define STOUT_LAMBDA_HPP

#include <functional>

namespace lambda {

using std::function;

} // namespace lambda {

#endif // STOUT_LAMBDA_HPP
