# Headers made from a source tree of Mesos, MESOS_SOURCE, as its own build makes them:
# for an installed Mesos that has none. Everything goes into Mesos_MADE, below the build
# directory; the tree is only read.

set(Mesos_MADE ${CMAKE_BINARY_DIR}/mesos)

# Gives the version that the tree calls itself.
function(mesos_source_version result)
  set(version "")
  if(EXISTS ${MESOS_SOURCE}/CMakeLists.txt)
    foreach(part MAJOR MINOR PATCH)
      file(STRINGS ${MESOS_SOURCE}/CMakeLists.txt line REGEX "set\\(MESOS_${part}_VERSION [0-9]+\\)" LIMIT_COUNT 1)
      string(REGEX REPLACE ".*VERSION ([0-9]+).*" "\\1" number "${line}")
      set(MESOS_${part}_VERSION ${number} PARENT_SCOPE)
      list(APPEND version "${number}")
    endforeach()
    string(REPLACE ";" "." version "${version}")
  endif()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

# Unpacks 3rdparty/<name>-<version>.tar.gz, with the patch that lies beside it, and gives
# the directory; empty where the tree has none.
function(mesos_source_unpack name result)
  set(${result} "" PARENT_SCOPE)
  file(GLOB archives ${MESOS_SOURCE}/3rdparty/${name}-*.tar.gz)
  set(archive "")
  foreach(candidate IN LISTS archives)
    if(candidate MATCHES "/(${name}-[0-9][0-9._]*)\\.tar\\.gz$")
      set(base ${CMAKE_MATCH_1})
      set(archive ${candidate})
    endif()
  endforeach()
  if(NOT archive)
    return()
  endif()

  set(directory ${Mesos_MADE}/3rdparty/${base})
  set(${result} ${directory} PARENT_SCOPE)
  if(EXISTS ${directory}.unpacked)
    return()
  endif()
  message(STATUS "Unpacking ${archive}")
  file(REMOVE_RECURSE ${directory})
  file(MAKE_DIRECTORY ${Mesos_MADE}/3rdparty)
  mesos_source_run("unpacking ${archive}" WORKING_DIRECTORY ${Mesos_MADE}/3rdparty
    COMMAND ${CMAKE_COMMAND} -E tar xzf ${archive})
  if(EXISTS ${MESOS_SOURCE}/3rdparty/${base}.patch)
    find_program(PATCH_EXECUTABLE patch)
    mark_as_advanced(PATCH_EXECUTABLE)
    if(NOT PATCH_EXECUTABLE)
      message(FATAL_ERROR "${archive} has a patch beside it, and there is no program to apply it; install patch")
    endif()
    mesos_source_run("patching ${base}" WORKING_DIRECTORY ${directory}
      COMMAND ${PATCH_EXECUTABLE} -s -p1 -i ${MESOS_SOURCE}/3rdparty/${base}.patch)
  endif()
  file(WRITE ${directory}.unpacked "")
endfunction()

# Runs a command; its output is shown if it fails, and then nothing goes on.
function(mesos_source_run what)
  execute_process(${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "MESOS_SOURCE=${MESOS_SOURCE}: ${what} failed:\n${output}")
  endif()
endfunction()

# Gives the directory in which `header` of the tree's own `name` is; empty where the
# tree does not have it.
function(mesos_source_dependency name header result)
  set(${result} "" PARENT_SCOPE)
  mesos_source_unpack(${name} directory)
  if(NOT directory)
    return()
  endif()
  if(name STREQUAL glog)
    mesos_source_glog(${directory})
  endif()
  foreach(place "" /include /src /made)
    if(EXISTS ${directory}${place}/${header})
      set(${result} ${directory}${place} PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# glog makes some of its headers when it is configured.
function(mesos_source_glog directory)
  if(EXISTS ${directory}/made)
    return()
  endif()
  if(EXISTS ${directory}/CMakeLists.txt)
    file(MAKE_DIRECTORY ${directory}/build)
    mesos_source_run("configuring glog" WORKING_DIRECTORY ${directory}/build
      COMMAND ${CMAKE_COMMAND} -D WITH_GFLAGS=OFF -D BUILD_TESTING=OFF -D CMAKE_POLICY_VERSION_MINIMUM=3.5 ..)
  else()
    mesos_source_run("configuring glog" WORKING_DIRECTORY ${directory} COMMAND sh ./configure --disable-shared)
  endif()
  file(GLOB headers ${directory}/src/glog/*.h ${directory}/build/glog/*.h)
  file(COPY ${headers} DESTINATION ${directory}/made/glog)
endfunction()

# Gives a protoc that is made of the tree's protobuf, if that is `version`.
function(mesos_source_protoc version result)
  set(${result} "" PARENT_SCOPE)
  mesos_source_unpack(protobuf directory)
  if(NOT directory MATCHES "protobuf-${version}$")
    return()
  endif()
  set(build ${directory}/build)
  if(NOT EXISTS ${build}/protoc)
    message(STATUS "Building protoc ${version} of ${MESOS_SOURCE}/3rdparty: once, some minutes")
    file(MAKE_DIRECTORY ${build})
    mesos_source_run("configuring protobuf" WORKING_DIRECTORY ${build}
      COMMAND ${CMAKE_COMMAND} -D CMAKE_BUILD_TYPE=Release -D protobuf_BUILD_TESTS=OFF
        -D CMAKE_CXX_STANDARD=11 -D CMAKE_POLICY_VERSION_MINIMUM=3.5 ../cmake)
    mesos_source_run("building protoc" COMMAND ${CMAKE_COMMAND} --build ${build} --target protoc)
  endif()
  set(${result} ${build}/protoc PARENT_SCOPE)
endfunction()

# Makes Mesos_MADE/include: the headers of Mesos, libprocess and stout, and what protoc
# makes of the messages. Nothing is done where they are of this tree and protoc already.
function(mesos_source_headers)
  set(roots include 3rdparty/libprocess/include 3rdparty/stout/include)
  foreach(root IN LISTS roots)
    file(GLOB_RECURSE found RELATIVE ${MESOS_SOURCE}
      ${MESOS_SOURCE}/${root}/*.hpp ${MESOS_SOURCE}/${root}/*.h ${MESOS_SOURCE}/${root}/*.proto)
    list(APPEND files ${found})
  endforeach()
  mesos_source_version(version)
  set(state "${MESOS_SOURCE} ${version} ${Mesos_PROTOC}\n")
  foreach(file IN LISTS files)
    file(SHA256 ${MESOS_SOURCE}/${file} hash)
    string(APPEND state "${hash} ${file}\n")
  endforeach()
  set(stamp ${Mesos_MADE}/include.of)
  if(EXISTS ${stamp})
    file(READ ${stamp} made)
    if(made STREQUAL state)
      return()
    endif()
  endif()

  message(STATUS "Making the headers of Mesos ${version} from ${MESOS_SOURCE}")
  file(REMOVE_RECURSE ${Mesos_MADE}/include)
  foreach(root IN LISTS roots)
    file(COPY ${MESOS_SOURCE}/${root}/ DESTINATION ${Mesos_MADE}/include
      FILES_MATCHING PATTERN *.hpp PATTERN *.h PATTERN *.proto)
  endforeach()
  set(PACKAGE_VERSION ${version})
  configure_file(${MESOS_SOURCE}/include/mesos/version.hpp.in ${Mesos_MADE}/include/mesos/version.hpp @ONLY)

  file(GLOB_RECURSE messages RELATIVE ${MESOS_SOURCE}/include ${MESOS_SOURCE}/include/*.proto)
  mesos_source_run("making the messages" WORKING_DIRECTORY ${Mesos_MADE}/include
    COMMAND ${Mesos_PROTOC} --proto_path=. --proto_path=${Mesos_protobuf_INCLUDE_DIR}
      --cpp_out=. ${messages})
  file(WRITE ${stamp} "${state}")
endfunction()
