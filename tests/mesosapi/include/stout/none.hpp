// The absence of a value, for Option.

#ifndef STOUT_NONE_HPP
#define STOUT_NONE_HPP

struct None
{
};

#endif // STOUT_NONE_HPP
