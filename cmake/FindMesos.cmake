# Finds an installed Mesos with the headers of its module API.
#
# Looked for, in this order: MESOS_ROOT (CMake or environment), which has to be
# right; CMAKE_PREFIX_PATH; pkg-config. Dependencies that Mesos installed with
# itself, under lib/mesos/3rdparty, go before the system's.
#
# Gives Mesos_FOUND, Mesos_VERSION, Mesos_INCLUDE_DIR, Mesos_PROTOC and the
# target Mesos::Mesos.

if(NOT MESOS_ROOT AND DEFINED ENV{MESOS_ROOT})
  set(MESOS_ROOT $ENV{MESOS_ROOT})
endif()

set(_mesos_probe mesos/module/container_logger.hpp)

if(MESOS_ROOT)
  set(_mesos_where HINTS ${MESOS_ROOT} NO_DEFAULT_PATH)
else()
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(Mesos_PC QUIET mesos)
  endif()
  set(_mesos_where HINTS ${Mesos_PC_PREFIX})
endif()

find_path(Mesos_INCLUDE_DIR ${_mesos_probe} ${_mesos_where} PATH_SUFFIXES include)
find_library(Mesos_LIBRARY mesos ${_mesos_where} PATH_SUFFIXES lib lib64 lib/x86_64-linux-gnu)

if(Mesos_INCLUDE_DIR)
  get_filename_component(_mesos_prefix ${Mesos_INCLUDE_DIR} DIRECTORY)
else()
  set(_mesos_prefix ${MESOS_ROOT})
endif()

set(_mesos_missing "")
if(NOT Mesos_INCLUDE_DIR)
  list(APPEND _mesos_missing "include/${_mesos_probe} (headers of the module API)")
endif()
if(NOT Mesos_LIBRARY)
  list(APPEND _mesos_missing "lib/libmesos.so")
endif()

# The version.
if(Mesos_INCLUDE_DIR)
  set(_mesos_version_file ${Mesos_INCLUDE_DIR}/mesos/version.hpp)
  if(EXISTS ${_mesos_version_file})
    file(STRINGS ${_mesos_version_file} _mesos_line REGEX "^#define MESOS_VERSION \"")
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" Mesos_VERSION "${_mesos_line}")
  else()
    list(APPEND _mesos_missing "include/mesos/version.hpp")
  endif()
endif()

# What the headers include: bundled, or the system's. Each is named by a header.
set(_mesos_bundle ${_mesos_prefix}/lib/mesos/3rdparty)
set(_mesos_includes "")
foreach(_mesos_header
    glog/logging.h google/protobuf/message.h boost/variant.hpp picojson.h rapidjson/writer.h)
  string(MAKE_C_IDENTIFIER Mesos_${_mesos_header} _mesos_variable)
  find_path(${_mesos_variable} ${_mesos_header}
    HINTS ${_mesos_bundle}/include ${_mesos_bundle}/usr/local/include ${Mesos_INCLUDE_DIR})
  mark_as_advanced(${_mesos_variable})
  if(${_mesos_variable})
    list(APPEND _mesos_includes ${${_mesos_variable}})
  else()
    list(APPEND _mesos_missing "${_mesos_header} (below ${_mesos_bundle}/include or the system's)")
  endif()
endforeach()

# Headers that only some versions and build options of Mesos include.
foreach(_mesos_optional apr-1.0/apr.h apr-1/apr.h subversion-1/svn_version.h)
  string(MAKE_C_IDENTIFIER Mesos_${_mesos_optional} _mesos_variable)
  find_path(${_mesos_variable} ${_mesos_optional} HINTS ${_mesos_bundle}/include)
  mark_as_advanced(${_mesos_variable})
  if(${_mesos_variable})
    get_filename_component(_mesos_directory ${_mesos_optional} DIRECTORY)
    list(APPEND _mesos_includes ${${_mesos_variable}}/${_mesos_directory})
  endif()
endforeach()

# The messages of this project have to be made for the protobuf of Mesos.
find_program(Mesos_PROTOC protoc HINTS ${_mesos_bundle}/bin)
if(NOT Mesos_PROTOC)
  list(APPEND _mesos_missing "protoc, of the same version as Mesos' protobuf")
endif()

if(MESOS_ROOT)
  if(_mesos_missing)
    list(JOIN _mesos_missing "\n  " _mesos_list)
    message(FATAL_ERROR "MESOS_ROOT=${MESOS_ROOT} is no complete Mesos; missing:\n  ${_mesos_list}")
  endif()
  if(Mesos_VERSION VERSION_LESS Mesos_FIND_VERSION)
    message(FATAL_ERROR "MESOS_ROOT=${MESOS_ROOT} has Mesos ${Mesos_VERSION}; needed is ${Mesos_FIND_VERSION} "
      "or newer, where ContainerLogger::prepare() takes a ContainerConfig")
  endif()
endif()

# Without MESOS_ROOT, an installed Mesos that does not do is passed over, but
# not in silence.
if(Mesos_INCLUDE_DIR AND NOT MESOS_ROOT)
  if(_mesos_missing)
    list(JOIN _mesos_missing ", " _mesos_list)
    message(STATUS "The Mesos below ${_mesos_prefix} is not used; missing: ${_mesos_list}")
  elseif(Mesos_VERSION VERSION_LESS Mesos_FIND_VERSION)
    message(STATUS "The Mesos below ${_mesos_prefix} is not used: it is ${Mesos_VERSION}, "
      "needed is ${Mesos_FIND_VERSION} or newer")
  endif()
endif()

include(FindPackageHandleStandardArgs)
if(_mesos_missing)
  set(Mesos_INCLUDE_DIR Mesos_INCLUDE_DIR-NOTFOUND)
endif()
set(Mesos_FIND_QUIETLY TRUE)
find_package_handle_standard_args(Mesos
  REQUIRED_VARS Mesos_INCLUDE_DIR Mesos_LIBRARY
  VERSION_VAR Mesos_VERSION)
mark_as_advanced(Mesos_INCLUDE_DIR Mesos_LIBRARY Mesos_PROTOC)

if(Mesos_FOUND AND NOT TARGET Mesos::Mesos)
  # A build of Mesos by CMake splits libmesos.so; and the bundled libraries,
  # where there are some. What libmesos.so holds itself needs none.
  get_filename_component(_mesos_library_dir ${Mesos_LIBRARY} DIRECTORY)
  set(_mesos_libraries "")
  foreach(_mesos_name process mesos-protobufs)
    find_library(Mesos_${_mesos_name}_LIBRARY ${_mesos_name} HINTS ${_mesos_library_dir} NO_DEFAULT_PATH)
    mark_as_advanced(Mesos_${_mesos_name}_LIBRARY)
    if(Mesos_${_mesos_name}_LIBRARY)
      list(APPEND _mesos_libraries ${Mesos_${_mesos_name}_LIBRARY})
    endif()
  endforeach()
  foreach(_mesos_name glog protobuf)
    find_library(Mesos_${_mesos_name}_LIBRARY ${_mesos_name} HINTS ${_mesos_bundle}/lib)
    mark_as_advanced(Mesos_${_mesos_name}_LIBRARY)
    if(Mesos_${_mesos_name}_LIBRARY MATCHES "\\.so")
      list(APPEND _mesos_libraries ${Mesos_${_mesos_name}_LIBRARY})
    endif()
  endforeach()

  list(REMOVE_DUPLICATES _mesos_includes)
  list(REMOVE_ITEM _mesos_includes /usr/include)
  add_library(Mesos::Mesos SHARED IMPORTED GLOBAL)
  set_target_properties(Mesos::Mesos PROPERTIES
    IMPORTED_LOCATION ${Mesos_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${Mesos_INCLUDE_DIR};${_mesos_includes}"
    INTERFACE_COMPILE_OPTIONS -Wno-deprecated-declarations
    INTERFACE_LINK_LIBRARIES "${_mesos_libraries}")
endif()
