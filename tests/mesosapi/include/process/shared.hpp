// A read-only object with several owners; the last one deletes it.

#ifndef PROCESS_SHARED_HPP
#define PROCESS_SHARED_HPP

#include <memory>

namespace process {

template <typename T>
class Shared
{
public:
  Shared() = default;
  explicit Shared(T* t) : data(t) {}

  const T& operator*() const { return *data; }
  const T* operator->() const { return data.get(); }
  const T* get() const { return data.get(); }

private:
  std::shared_ptr<const T> data;
};

} // namespace process {

#endif // PROCESS_SHARED_HPP
