// A value that may be absent.

#ifndef STOUT_OPTION_HPP
#define STOUT_OPTION_HPP

#include <new>
#include <type_traits>
#include <utility>

#include <glog/logging.h>

#include <stout/none.hpp>

template <typename T>
class Option
{
public:
  static Option<T> none() { return Option<T>(); }
  static Option<T> some(const T& t) { return Option<T>(t); }

  Option() : some_(false) {}
  Option(const None&) : some_(false) {}
  Option(const T& t) : some_(true), value(t) {}
  Option(T&& t) : some_(true), value(std::move(t)) {}

  template <
    typename U,
    typename =
      typename std::enable_if<std::is_constructible<T, const U&>::value>::type>
  Option(const U& u) : some_(true), value(u)
  {
  }

  Option(const Option& that) : some_(that.some_)
  {
    if (some_) {
      new (&value) T(that.value);
    }
  }

  Option(Option&& that) : some_(that.some_)
  {
    if (some_) {
      new (&value) T(std::move(that.value));
    }
  }

  ~Option()
  {
    if (some_) {
      value.~T();
    }
  }

  Option& operator=(Option that)
  {
    this->~Option();
    new (this) Option(std::move(that));
    return *this;
  }

  bool isSome() const { return some_; }
  bool isNone() const { return !some_; }

  // NOTE: Asking an absent value is a fault of the program; it aborts.
  const T& get() const&
  {
    CHECK(isSome());
    return value;
  }

  T& get() &
  {
    CHECK(isSome());
    return value;
  }

  T getOrElse(const T& other) const { return isSome() ? value : other; }

  const T& operator*() const { return get(); }
  const T* operator->() const { return &get(); }
  T* operator->() { return &get(); }

  bool operator==(const Option<T>& that) const
  {
    return some_ == that.some_ && (!some_ || value == that.value);
  }

  bool operator!=(const Option<T>& that) const { return !(*this == that); }

private:
  bool some_;

  // Without a value, nobody's: it is neither made nor destroyed.
  union
  {
    T value;
  };
};

#endif // STOUT_OPTION_HPP
