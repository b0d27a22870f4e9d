// A value, or why there is none.

#ifndef STOUT_TRY_HPP
#define STOUT_TRY_HPP

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <glog/logging.h>

#include <stout/error.hpp>

template <typename T, typename E = Error>
class Try
{
public:
  static Try some(const T& t) { return Try(t); }

  static Try error(const E& e) { return Try(e); }

  Try(const T& t) : data(t) {}
  Try(T&& t) : data(std::move(t)) {}
  Try(const E& e) : data(std::in_place_index<1>, e) {}

  template <
    typename U,
    typename = typename std::enable_if<
      std::is_constructible<T, const U&>::value &&
      !std::is_base_of<E, U>::value>::type>
  Try(const U& u) : data(std::in_place_index<0>, u)
  {
  }

  bool isSome() const { return data.index() == 0; }
  bool isError() const { return data.index() == 1; }

  // NOTE: Asking for what is not there is a fault of the program; it aborts.
  const T& get() const&
  {
    CHECK(isSome()) << "Try::get() but state == ERROR: " << error();
    return std::get<0>(data);
  }

  T& get() &
  {
    CHECK(isSome()) << "Try::get() but state == ERROR: " << error();
    return std::get<0>(data);
  }

  const T& operator*() const { return get(); }
  const T* operator->() const { return &get(); }
  T* operator->() { return &get(); }

  const std::string& error() const
  {
    CHECK(isError()) << "Try::error() but state == SOME";
    return std::get<1>(data).message;
  }

private:
  std::variant<T, E> data;
};

#endif // STOUT_TRY_HPP
