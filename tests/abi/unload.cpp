// Hazard: dlclose. A Go runtime cannot go away, so the library stays, goes on
// with its work, and can be opened again.

#include <dlfcn.h>

#include "guest.hpp"

using std::string;

int main()
{
  abi::Scratch scratch;
  abi::Guest guest(scratch.path());
  guest.start();

  const auto containers = guest.launch(4, abi::numbersCommand(300000));

  void* first = dlopen(abi::library().c_str(), RTLD_NOW);
  abi::require("dlopen", first != nullptr);
  void* symbol = dlsym(first, "sluice_ContainerLogger");
  abi::require("dlsym", symbol != nullptr);

  // More often than it was opened, as far as the loader lets us.
  for (int i = 0; i < 3; i++) {
    dlclose(first);
  }

  void* again = dlopen(abi::library().c_str(), RTLD_NOW | RTLD_NOLOAD);
  abi::require("the library is gone", again != nullptr);
  abi::require(
    "the library came to another place",
    dlsym(again, "sluice_ContainerLogger") == symbol);

  guest.finish(containers);
  const string expected = abi::numbers(300000);
  for (const auto& container : containers) {
    abi::require(
      "lost output after dlclose", abi::output(container) == expected);
  }

  return 0;
}
