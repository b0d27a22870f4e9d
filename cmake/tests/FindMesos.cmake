# Asserts what FindMesos makes of each layout in which Mesos is installed, and what it says
# of one that will not do. Called by ctest with MODULES, the directory of FindMesos.cmake,
# CC, a C compiler, ARCHITECTURE, the name of the system's library directory, and WORK, a
# directory of its own.

cmake_minimum_required(VERSION 3.18)

file(REMOVE_RECURSE ${WORK})
file(WRITE ${WORK}/project/CMakeLists.txt
  "cmake_minimum_required(VERSION 3.10)\n"
  "project(probe LANGUAGES NONE)\n"
  "list(APPEND CMAKE_MODULE_PATH ${MODULES})\n"
  "find_package(Mesos 1.7 MODULE)\n"
  "message(STATUS \"found: \${Mesos_FOUND} \${Mesos_TREE} \${Mesos_VERSION}\")\n"
  "if(Mesos_FOUND)\n"
  "  get_target_property(includes Mesos::Mesos INTERFACE_INCLUDE_DIRECTORIES)\n"
  "  list(FILTER includes EXCLUDE REGEX ^/usr/include/)\n" # apr, where it is
  "  get_target_property(libraries Mesos::Mesos INTERFACE_LINK_LIBRARIES)\n"
  "  message(STATUS \"includes: \${includes}.\")\n"
  "  message(STATUS \"libraries: \${libraries}.\")\n"
  "  message(STATUS \"protoc: \${Mesos_PROTOC}.\")\n"
  "endif()\n")

# Makes a shared library that goes by `soname` and needs the libraries that follow.
function(make_library file soname)
  get_filename_component(directory ${file} DIRECTORY)
  file(MAKE_DIRECTORY ${directory})
  execute_process(
    COMMAND ${CC} -shared -nostdlib -x c /dev/null -o ${file} -Wl,-soname,${soname}
      -x none -Wl,--no-as-needed ${ARGN}
    ERROR_VARIABLE error
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "making ${file}: ${error}")
  endif()
endfunction()

# Makes a prefix with Mesos' own headers, and a libmesos.so that needs the libraries
# that follow.
function(make_mesos name version)
  set(root ${WORK}/${name})
  file(WRITE ${root}/include/mesos/module/container_logger.hpp "")
  file(WRITE ${root}/include/mesos/version.hpp "#define MESOS_VERSION \"${version}\"\n")
  make_library(${root}/lib/libmesos.so libmesos.so ${ARGN})
endfunction()

# Makes headers and protoc, as a Mesos of that time brings them along.
function(make_headers directory)
  foreach(header glog/logging.h google/protobuf/message.h boost/variant.hpp picojson.h rapidjson/writer.h)
    file(WRITE ${directory}/${header} "")
  endforeach()
  file(WRITE ${directory}/google/protobuf/stubs/common.h "#define GOOGLE_PROTOBUF_VERSION 3005000\n")
endfunction()

function(make_protoc file version)
  file(WRITE ${file}.made "#!/bin/sh\necho libprotoc ${version}\n")
  get_filename_component(directory ${file} DIRECTORY)
  file(COPY ${file}.made DESTINATION ${directory}/executable FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  get_filename_component(name ${file} NAME)
  file(RENAME ${directory}/executable/${name}.made ${file})
endfunction()

# Configures against a prefix; expect() and refuse() look at what it said.
function(configure name)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${WORK}/project -B ${WORK}/build-${name}
      -D CMAKE_LIBRARY_ARCHITECTURE=${ARCHITECTURE} -D MESOS_ROOT=${WORK}/${name} ${ARGN}
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  set(name ${name} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect)
  foreach(text ${ARGN})
    string(REPLACE "|" ";" text "${text}")
    string(FIND "${output}" "${text}" position)
    if(position EQUAL -1)
      message(SEND_ERROR "${name}: expected '${text}' in:\n${output}")
    endif()
  endforeach()
endfunction()

set(switch "install Mesos with -DENABLE_INSTALL_MODULE_DEPENDENCIES=ON (CMake) or --enable-install-module-dependencies (configure), or name its sources with -DMESOS_SOURCE=DIR")

# Autotools: protobuf and glog are inside of libmesos.so, their headers in the bundle.
make_mesos(autotools 1.11.0)
set(bundle ${WORK}/autotools/lib/mesos/3rdparty)
make_headers(${bundle}/include)
make_protoc(${bundle}/bin/protoc 3.5.0)
configure(autotools)
expect("found: TRUE Mesos 1.11.0" "includes: ${WORK}/autotools/include|${bundle}/include." "libraries: ." "protoc: ${bundle}/bin/protoc.")

# CMake with what it brings along: all in the prefix.
set(prefix ${WORK}/cmake)
make_library(${prefix}/lib/libprotobuf.so libprotobuf.so)
make_library(${prefix}/lib/libglog.so.0 libglog.so.0)
make_mesos(cmake 1.11.0 ${prefix}/lib/libprotobuf.so ${prefix}/lib/libglog.so.0)
make_headers(${prefix}/include)
make_protoc(${prefix}/bin/protoc 3.5.0)
configure(cmake)
expect("found: TRUE Mesos 1.11.0" "includes: ${prefix}/include." "protoc: ${prefix}/bin/protoc."
  "libraries: ${prefix}/lib/libglog.so.0|${prefix}/lib/libprotobuf.so.")

# The same without the protoc, on a system that has another one: it is not taken.
file(REMOVE ${prefix}/bin/protoc)
make_protoc(${WORK}/path/protoc 3.21.12)
set(path "$ENV{PATH}")
set(ENV{PATH} "${WORK}/path:${path}")
configure(cmake -U Mesos_PROTOC)
expect("missing: protoc 3.5.0, the version of the headers in ${prefix}/include; ${WORK}/path/protoc is 3.21.12: name one with -DMesos_PROTOC=FILE"
  "its 3rdparty/protobuf-*.tar.gz makes it, and so does -DMESOS_SOURCE=DIR")
make_protoc(${WORK}/path/protoc 3.5.0)
configure(cmake)
expect("protoc: ${WORK}/path/protoc.")
set(ENV{PATH} "${path}")

# The system's libraries, whose headers and protoc are right then.
find_library(protobuf protobuf PATHS /usr/lib/${ARCHITECTURE} /usr/lib64 NO_DEFAULT_PATH)
find_library(glog glog PATHS /usr/lib/${ARCHITECTURE} /usr/lib64 NO_DEFAULT_PATH)
find_program(protoc protoc)
make_mesos(system 1.12.0 ${protobuf} ${glog})
foreach(header boost/variant.hpp picojson.h rapidjson/writer.h)
  file(WRITE ${WORK}/system/include/${header} "")
endforeach()
configure(system)
expect("found: TRUE Mesos 1.12.0" "includes: ${WORK}/system/include." "protoc: ${protoc}.")
if(NOT output MATCHES "libraries: /[^;]*/libglog\\.so\\.[0-9]+;/[^;]*/libprotobuf\\.so\\.[0-9]+\\.")
  message(SEND_ERROR "system: the libraries are not those that libmesos.so needs:\n${output}")
endif()

# Headers of the system's protobuf are not those of one inside of libmesos.so, nor of another
# one beside it.
make_mesos(inside 1.11.0 ${glog})
configure(inside)
expect("google/protobuf/message.h, of the protobuf inside of libmesos.so; the system's may be of another: ${switch}, or name the directory with -DMesos_protobuf_INCLUDE_DIR=")
make_library(${WORK}/other/lib/libprotobuf.so.15 libprotobuf.so.15)
make_mesos(other 1.11.0 ${glog} ${WORK}/other/lib/libprotobuf.so.15)
configure(other)
expect("google/protobuf/message.h, of the libprotobuf.so.15 that libmesos.so needs; the system's is of another: ${switch}")
file(REMOVE ${WORK}/other/lib/libprotobuf.so.15)
configure(other -U Mesos_protobuf_LIBRARY)
expect("libprotobuf.so.15, which libmesos.so needs: install the package of the system that has it, or the one beside libmesos.so")

# What an install lacks, what is too old.
make_mesos(headless 1.11.0)
file(REMOVE_RECURSE ${WORK}/headless/include)
configure(headless)
expect("is not complete; missing: include/mesos/module/container_logger.hpp, the headers of the module API: ${switch}")
make_mesos(unlinked 1.11.0)
file(REMOVE ${WORK}/unlinked/lib/libmesos.so)
configure(unlinked)
expect("is not complete; missing: lib/libmesos.so: install Mesos, and name the prefix with -DMESOS_ROOT=PREFIX")
make_mesos(old 1.6.2 ${protobuf} ${glog})
file(COPY ${WORK}/system/include DESTINATION ${WORK}/old)
file(WRITE ${WORK}/old/include/mesos/version.hpp "#define MESOS_VERSION \"1.6.2\"\n")
configure(old)
expect("is too old: it is 1.6.2; needed is 1.7 or newer, where ContainerLogger::prepare() takes a ContainerConfig")

# A fork that goes under Apache's number has what Apache's of that number has not.
file(WRITE ${WORK}/autotools/include/mesos/mesos.proto "  optional Value.Range net_ephemeral_ports = 55;\n")
configure(autotools)
expect("found: TRUE Clusterd 1.11.0")
configure(autotools -D MESOS_TREE=Acme)
expect("found: TRUE Acme 1.11.0")
configure(autotools -D "MESOS_TREE=of our own")
expect("MESOS_TREE=of our own is no name of a tree; expected one word of letters and digits, such as Clusterd")
file(WRITE ${WORK}/system/include/mesos/mesos.proto "  optional Value.Range net_ephemeral_ports = 55;\n")
configure(system)
expect("found: TRUE Mesos 1.12.0")

# Another prefix in the same build directory: nothing of the first one stays.
file(RENAME ${WORK}/build-system ${WORK}/build-again)
file(RENAME ${WORK}/cmake ${WORK}/again)
make_protoc(${WORK}/again/bin/protoc 3.5.0)
file(REMOVE_RECURSE ${WORK}/build-again)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/project -B ${WORK}/build-again
  -D CMAKE_LIBRARY_ARCHITECTURE=${ARCHITECTURE} -D MESOS_ROOT=${WORK}/system OUTPUT_QUIET)
configure(again)
expect("includes: ${WORK}/again/include." "protoc: ${WORK}/again/bin/protoc.")

# Headers from the sources, for an install that has none.
file(WRITE ${WORK}/tree/CMakeLists.txt
  "project(Mesos)\nset(MESOS_MAJOR_VERSION 1)\nset(MESOS_MINOR_VERSION 12)\nset(MESOS_PATCH_VERSION 0)\n")
file(WRITE ${WORK}/tree/include/mesos/module/container_logger.hpp "")
file(WRITE ${WORK}/tree/include/mesos/version.hpp.in "#define MESOS_VERSION \"@PACKAGE_VERSION@\"\n")
file(WRITE ${WORK}/tree/include/mesos/mesos.proto "syntax = \"proto2\";\npackage mesos;\nmessage A {}\n")
file(WRITE ${WORK}/tree/include/mesos/slave/b.proto
  "syntax = \"proto2\";\nimport \"mesos/mesos.proto\";\npackage mesos;\nmessage B { optional A a = 1; }\n")
file(WRITE ${WORK}/tree/3rdparty/libprocess/include/process/future.hpp "")
file(WRITE ${WORK}/tree/3rdparty/stout/include/stout/try.hpp "")
foreach(archive boost-1.65.0/boost/variant.hpp picojson-1.3.0/picojson.h rapidjson-1.1.0/include/rapidjson/writer.h)
  file(WRITE ${WORK}/archives/${archive} "as released\n")
  string(REGEX REPLACE "/.*" "" base ${archive})
  execute_process(COMMAND ${CMAKE_COMMAND} -E tar czf ${WORK}/tree/3rdparty/${base}.tar.gz ${base}
    WORKING_DIRECTORY ${WORK}/archives)
endforeach()
file(WRITE ${WORK}/tree/3rdparty/picojson-1.3.0.patch
  "--- a/picojson.h\n+++ b/picojson.h\n@@ -1 +1 @@\n-as released\n+as Mesos has it\n")
make_library(${WORK}/bare/lib/libmesos.so libmesos.so ${protobuf} ${glog})
configure(bare -D MESOS_SOURCE=${WORK}/tree)
set(made ${WORK}/build-bare/mesos)
expect("found: TRUE Mesos 1.12.0" "Making the headers of Mesos 1.12.0"
  "includes: ${made}/include|${made}/3rdparty/boost-1.65.0|${made}/3rdparty/picojson-1.3.0|${made}/3rdparty/rapidjson-1.1.0/include.")
foreach(header mesos/mesos.pb.h mesos/slave/b.pb.h mesos/version.hpp process/future.hpp stout/try.hpp)
  if(NOT EXISTS ${made}/include/${header})
    message(SEND_ERROR "bare: ${header} was not made")
  endif()
endforeach()
file(READ ${made}/3rdparty/picojson-1.3.0/picojson.h picojson)
if(NOT picojson STREQUAL "as Mesos has it\n")
  message(SEND_ERROR "bare: picojson.h is not patched: ${picojson}")
endif()

# Not again, unless the sources are others.
configure(bare -D MESOS_SOURCE=${WORK}/tree)
if(output MATCHES "Making|Unpacking")
  message(SEND_ERROR "bare: what was made is made again:\n${output}")
endif()
file(WRITE ${WORK}/tree/CMakeLists.txt
  "project(aventer-mesos)\nset(MESOS_MAJOR_VERSION 1)\nset(MESOS_MINOR_VERSION 11)\nset(MESOS_PATCH_VERSION 0)\n")
configure(bare -D MESOS_SOURCE=${WORK}/tree)
expect("Making the headers of Mesos 1.11.0" "found: TRUE Clusterd 1.11.0")

# Sources of another Mesos than is installed; no sources.
file(RENAME ${WORK}/bare/lib/libmesos.so ${WORK}/bare/lib/libmesos-1.10.0.so)
file(CREATE_LINK libmesos-1.10.0.so ${WORK}/bare/lib/libmesos.so SYMBOLIC)
configure(bare -D MESOS_SOURCE=${WORK}/tree)
expect("MESOS_SOURCE=${WORK}/tree is Mesos 1.11.0, and ${WORK}/bare/lib/libmesos-1.10.0.so is another; check out the sources of what is installed")
configure(bare -D MESOS_SOURCE=${WORK}/archives)
expect("MESOS_SOURCE=${WORK}/archives has no include/mesos/module/container_logger.hpp; expected the top of a source tree of Mesos")
