// Hazard: dlclose. A Go runtime cannot go away, so the library stays, goes on
// with its work, and can be opened again.

#include <dlfcn.h>

#include "guest.hpp"

using std::string;

int main()
{
  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  guest.start();

  const auto containers = guest.launch(4, hazard::numbersCommand(300000));

  void* first = dlopen(hazard::library().c_str(), RTLD_NOW);
  hazard::require("dlopen", first != nullptr);
  void* symbol = dlsym(first, "sluice_ContainerLogger");
  hazard::require("dlsym", symbol != nullptr);

  // More often than it was opened, as far as the loader lets us.
  for (int i = 0; i < 3; i++) {
    dlclose(first);
  }

  void* again = dlopen(hazard::library().c_str(), RTLD_NOW | RTLD_NOLOAD);
  hazard::require("the library is gone", again != nullptr);
  hazard::require(
    "the library came to another place",
    dlsym(again, "sluice_ContainerLogger") == symbol);

  guest.finish(containers);
  const string expected = hazard::numbers(300000);
  for (const auto& container : containers) {
    hazard::require(
      "lost output after dlclose", hazard::output(container) == expected);
  }

  return 0;
}
