# Asserts what FindMesos says of a Mesos that is complete, incomplete or too
# old. Called by ctest with MODULES, the directory of FindMesos.cmake, and WORK,
# a directory of its own.

cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${WORK})
file(WRITE ${WORK}/project/CMakeLists.txt
  "cmake_minimum_required(VERSION 3.25)\n"
  "project(probe LANGUAGES C)\n"
  "list(APPEND CMAKE_MODULE_PATH ${MODULES})\n"
  "find_package(Mesos 1.7 MODULE)\n"
  "message(STATUS \"found: \${Mesos_FOUND} \${Mesos_VERSION}\")\n"
  "if(Mesos_FOUND)\n"
  "  get_target_property(includes Mesos::Mesos INTERFACE_INCLUDE_DIRECTORIES)\n"
  "  message(STATUS \"includes: \${includes}\")\n"
  "endif()\n")

# Makes a prefix that looks like an installed Mesos with its dependencies.
function(make_mesos name version)
  set(root ${WORK}/${name})
  file(WRITE ${root}/include/mesos/module/container_logger.hpp "")
  file(WRITE ${root}/include/mesos/version.hpp "#define MESOS_VERSION \"${version}\"\n")
  file(WRITE ${root}/lib/libmesos.so "")
  foreach(header
      glog/logging.h google/protobuf/message.h boost/variant.hpp picojson.h rapidjson/writer.h)
    file(WRITE ${root}/lib/mesos/3rdparty/include/${header} "")
  endforeach()
endfunction()

# Configures against a prefix and asserts the text of the answer.
function(expect name text)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${WORK}/project -B ${WORK}/build-${name} -D MESOS_ROOT=${WORK}/${name}
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  string(FIND "${output}" "${text}" position)
  if(position EQUAL -1)
    message(SEND_ERROR "${name}: expected '${text}' in:\n${output}")
  endif()
endfunction()

make_mesos(complete 1.11.0)
expect(complete "found: TRUE 1.11.0")
expect(complete "includes: ${WORK}/complete/include;${WORK}/complete/lib/mesos/3rdparty/include")

make_mesos(old 1.6.2)
expect(old "has Mesos 1.6.2; needed is 1.7 or newer, where ContainerLogger::prepare() takes a ContainerConfig")

make_mesos(headless 1.11.0)
file(REMOVE_RECURSE ${WORK}/headless/include)
expect(headless "is no complete Mesos; missing: include/mesos/module/container_logger.hpp (headers of the module API)")

make_mesos(unlinked 1.11.0)
file(REMOVE ${WORK}/unlinked/lib/libmesos.so)
expect(unlinked "is no complete Mesos; missing: lib/libmesos.so")
