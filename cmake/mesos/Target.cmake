# Mesos::Mesos, of what FindMesos has found.

# A build of Mesos by CMake splits libmesos.so.
set(_mesos_libraries "")
get_filename_component(_mesos_directory ${Mesos_LIBRARY} DIRECTORY)
foreach(_mesos_name process mesos-protobufs)
  find_library(Mesos_${_mesos_name}_LIBRARY ${_mesos_name} PATHS ${_mesos_directory} NO_DEFAULT_PATH)
  mark_as_advanced(Mesos_${_mesos_name}_LIBRARY)
  if(Mesos_${_mesos_name}_LIBRARY)
    list(APPEND _mesos_libraries ${Mesos_${_mesos_name}_LIBRARY})
  endif()
endforeach()
foreach(_mesos_name glog protobuf)
  if(Mesos_${_mesos_name}_LIBRARY)
    list(APPEND _mesos_libraries ${Mesos_${_mesos_name}_LIBRARY})
  endif()
endforeach()

set(_mesos_includes ${Mesos_INCLUDE_DIR})
foreach(_mesos_name protobuf glog boost picojson rapidjson)
  list(APPEND _mesos_includes ${Mesos_${_mesos_name}_INCLUDE_DIR})
endforeach()

# Headers that only some versions and build options of Mesos include.
foreach(_mesos_name apr-1.0/apr.h apr-1/apr.h subversion-1/svn_version.h)
  string(MAKE_C_IDENTIFIER Mesos_${_mesos_name} _mesos_variable)
  find_path(${_mesos_variable} ${_mesos_name} HINTS ${Mesos_BUNDLE}/include)
  mark_as_advanced(${_mesos_variable})
  if(${_mesos_variable})
    get_filename_component(_mesos_directory ${_mesos_name} DIRECTORY)
    list(APPEND _mesos_includes ${${_mesos_variable}}/${_mesos_directory})
  endif()
endforeach()

list(REMOVE_DUPLICATES _mesos_includes)
list(REMOVE_ITEM _mesos_includes /usr/include)
add_library(Mesos::Mesos SHARED IMPORTED GLOBAL)
set_target_properties(Mesos::Mesos PROPERTIES
  IMPORTED_LOCATION ${Mesos_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES "${_mesos_includes}"
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_mesos_includes}"
  INTERFACE_COMPILE_OPTIONS -Wno-deprecated-declarations
  INTERFACE_LINK_LIBRARIES "${_mesos_libraries}")

# Mesos' headers include those of the system, by version and build options others: curl,
# apr, openssl. The preprocessor knows.
if(CMAKE_CXX_COMPILER)
  set(_mesos_file ${CMAKE_BINARY_DIR}/CMakeFiles/mesos-headers.cpp)
  file(WRITE ${_mesos_file} "#include <${_mesos_probe}>\n#include <process/metrics/metrics.hpp>\n")
  set(_mesos_flags "")
  foreach(_mesos_name IN LISTS _mesos_includes)
    list(APPEND _mesos_flags -isystem ${_mesos_name})
  endforeach()
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++11 -E ${_mesos_flags} ${_mesos_file}
    RESULT_VARIABLE _mesos_status
    OUTPUT_QUIET
    ERROR_VARIABLE _mesos_error)
  if(NOT _mesos_status EQUAL 0 AND _mesos_error MATCHES "([^\n]*): fatal error: '?([^:' ]+)'?:? [^\n]*")
    message(FATAL_ERROR "${CMAKE_MATCH_2} is missing, which ${CMAKE_MATCH_1} includes: "
      "install the package of the system that has it, such as libcurl4-openssl-dev (libcurl-devel), libapr1-dev (apr-devel), "
      "libsvn-dev (subversion-devel), libssl-dev (openssl-devel)")
  endif()
endif()
