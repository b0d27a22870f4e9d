# Finds an installed Mesos with the headers of its module API.
#
# Looked for, in this order: MESOS_ROOT (CMake or environment), which has to be
# right; CMAKE_PREFIX_PATH; pkg-config. MESOS_SOURCE, a source tree of the same
# Mesos, has the headers made from it. What Mesos brought along (lib/mesos/3rdparty of
# autotools, the prefix itself of CMake) goes before the system's.
#
# Gives Mesos_FOUND, Mesos_VERSION, Mesos_TREE (Mesos, Clusterd, ...; MESOS_TREE
# overrides it), Mesos_INCLUDE_DIR, Mesos_PROTOC and the target Mesos::Mesos.
#
# Everything here is in the sdk as well, for old systems: nothing newer than CMake 3.10.

foreach(_mesos_name MESOS_ROOT MESOS_SOURCE MESOS_TREE)
  if(NOT ${_mesos_name} AND DEFINED ENV{${_mesos_name}})
    set(${_mesos_name} $ENV{${_mesos_name}})
  endif()
endforeach()

if(MESOS_SOURCE)
  get_filename_component(MESOS_SOURCE ${MESOS_SOURCE} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
endif()

# What was found of another Mesos is forgotten.
set(_mesos_asked "${MESOS_ROOT};${MESOS_SOURCE}")
if(DEFINED MESOS_ASKED AND NOT MESOS_ASKED STREQUAL _mesos_asked)
  get_cmake_property(_mesos_cached CACHE_VARIABLES)
  foreach(_mesos_name IN LISTS _mesos_cached)
    if(_mesos_name MATCHES "^(Mesos_|pkgcfg_lib_Mesos_|MESOS_ASKED)")
      unset(${_mesos_name} CACHE)
    endif()
  endforeach()
endif()
set(MESOS_ASKED "${_mesos_asked}" CACHE INTERNAL "MESOS_ROOT and MESOS_SOURCE of what was found")

include(${CMAKE_CURRENT_LIST_DIR}/mesos/Library.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mesos/Dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mesos/Sources.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mesos/Tree.cmake)

set(mesos_switch "install Mesos with -DENABLE_INSTALL_MODULE_DEPENDENCIES=ON (CMake) or \
--enable-install-module-dependencies (configure), or name its sources with -DMESOS_SOURCE=DIR")

# Notes what is missing and what to do about it.
set_property(GLOBAL PROPERTY MESOS_MISSING "")
function(mesos_miss what remedy)
  set_property(GLOBAL APPEND_STRING PROPERTY MESOS_MISSING "\n  ${what}: ${remedy}")
endfunction()

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

find_library(Mesos_LIBRARY mesos ${_mesos_where}
  PATH_SUFFIXES lib lib64 lib/${CMAKE_LIBRARY_ARCHITECTURE})
if(MESOS_SOURCE)
  set(Mesos_INCLUDE_DIR ${Mesos_MADE}/include CACHE PATH "" FORCE)
  if(NOT EXISTS ${MESOS_SOURCE}/include/${_mesos_probe})
    message(FATAL_ERROR "MESOS_SOURCE=${MESOS_SOURCE} has no include/${_mesos_probe}; expected the top of a source tree of Mesos")
  endif()
else()
  find_path(Mesos_INCLUDE_DIR ${_mesos_probe} ${_mesos_where} PATH_SUFFIXES include)
endif()
find_program(Mesos_READELF NAMES ${CMAKE_READELF} readelf)
mark_as_advanced(Mesos_INCLUDE_DIR Mesos_LIBRARY Mesos_READELF Mesos_PROTOC)

set(Mesos_PREFIX ${MESOS_ROOT})
if(NOT Mesos_PREFIX AND Mesos_LIBRARY)
  get_filename_component(Mesos_PREFIX ${Mesos_LIBRARY} DIRECTORY)
  get_filename_component(Mesos_PREFIX ${Mesos_PREFIX} DIRECTORY)
endif()
set(Mesos_BUNDLE ${Mesos_PREFIX}/lib/mesos/3rdparty)

# Nothing is said of what a Mesos lacks that nobody asked for.
set(_mesos_there FALSE)
if(MESOS_ROOT OR MESOS_SOURCE OR (Mesos_INCLUDE_DIR AND Mesos_LIBRARY))
  set(_mesos_there TRUE)
endif()

if(_mesos_there)
  if(NOT Mesos_LIBRARY)
    mesos_miss("lib/libmesos.so" "install Mesos, and name the prefix with -DMESOS_ROOT=PREFIX")
  endif()
  if(NOT Mesos_INCLUDE_DIR)
    mesos_miss("include/${_mesos_probe}, the headers of the module API" "${mesos_switch}")
  endif()
  if(NOT Mesos_READELF)
    mesos_miss("readelf, to see what libmesos.so was linked with" "install binutils")
  endif()
  get_property(_mesos_missing GLOBAL PROPERTY MESOS_MISSING)

  # What libmesos.so is linked with decides whose headers are right.
  if(NOT _mesos_missing)
    foreach(_mesos_name protobuf glog)
      mesos_linked(${_mesos_name})
      if(Mesos_${_mesos_name}_NEEDED AND NOT Mesos_${_mesos_name}_NEEDED STREQUAL UNKNOWN
          AND NOT Mesos_${_mesos_name}_LIBRARY)
        mesos_miss("${Mesos_${_mesos_name}_NEEDED}, which libmesos.so needs"
          "install the package of the system that has it, or the one beside libmesos.so")
      endif()
    endforeach()
    mesos_dependency(protobuf google/protobuf/message.h)
    mesos_dependency(glog glog/logging.h)
    mesos_dependency(boost boost/variant.hpp)
    mesos_dependency(picojson picojson.h)
    mesos_dependency(rapidjson rapidjson/writer.h)
    if(Mesos_protobuf_INCLUDE_DIR)
      mesos_protoc()
    endif()
    get_property(_mesos_missing GLOBAL PROPERTY MESOS_MISSING)
  endif()

  if(MESOS_SOURCE AND NOT _mesos_missing)
    mesos_source_headers()
  endif()
  if(Mesos_INCLUDE_DIR AND EXISTS ${Mesos_INCLUDE_DIR}/mesos/version.hpp)
    file(STRINGS ${Mesos_INCLUDE_DIR}/mesos/version.hpp _mesos_line REGEX "^#define MESOS_VERSION \"")
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" Mesos_VERSION "${_mesos_line}")
    mesos_tree(${Mesos_VERSION} Mesos_TREE)
  elseif(Mesos_INCLUDE_DIR AND NOT MESOS_SOURCE)
    mesos_miss("include/mesos/version.hpp" "${mesos_switch}")
  endif()
  get_property(_mesos_missing GLOBAL PROPERTY MESOS_MISSING)

  set(_mesos_old "")
  if(Mesos_VERSION AND Mesos_VERSION VERSION_LESS Mesos_FIND_VERSION)
    set(_mesos_old "it is ${Mesos_VERSION}; needed is ${Mesos_FIND_VERSION} or newer, \
where ContainerLogger::prepare() takes a ContainerConfig")
  endif()

  # The file's own name has the version.
  set(_mesos_other "")
  if(MESOS_SOURCE AND Mesos_LIBRARY AND Mesos_VERSION)
    get_filename_component(_mesos_file ${Mesos_LIBRARY} REALPATH)
    if(_mesos_file MATCHES "libmesos(-|\\.so\\.)([0-9]+\\.[0-9.]*[0-9])" AND NOT CMAKE_MATCH_2 STREQUAL Mesos_VERSION)
      set(_mesos_other "MESOS_SOURCE=${MESOS_SOURCE} is Mesos ${Mesos_VERSION}, and ${_mesos_file} is another; \
check out the sources of what is installed")
    endif()
  endif()

  if(MESOS_ROOT OR MESOS_SOURCE)
    if(_mesos_missing)
      message(FATAL_ERROR "The Mesos below MESOS_ROOT=${MESOS_ROOT} is not complete; missing:${_mesos_missing}")
    elseif(_mesos_old)
      message(FATAL_ERROR "The Mesos below MESOS_ROOT=${MESOS_ROOT} is too old: ${_mesos_old}")
    elseif(_mesos_other)
      message(FATAL_ERROR "${_mesos_other}")
    endif()
  elseif(_mesos_missing)
    # Passed over, but not in silence.
    message(STATUS "The Mesos below ${Mesos_PREFIX} is not used; missing:${_mesos_missing}")
    set(Mesos_INCLUDE_DIR Mesos_INCLUDE_DIR-NOTFOUND)
  elseif(_mesos_old)
    message(STATUS "The Mesos below ${Mesos_PREFIX} is not used: ${_mesos_old}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
set(Mesos_FIND_QUIETLY TRUE)
find_package_handle_standard_args(Mesos
  REQUIRED_VARS Mesos_INCLUDE_DIR Mesos_LIBRARY
  VERSION_VAR Mesos_VERSION
  FAIL_MESSAGE "No installed Mesos was found: name the prefix that has lib/libmesos.so with -DMESOS_ROOT=PREFIX")

if(Mesos_FOUND AND NOT TARGET Mesos::Mesos)
  include(${CMAKE_CURRENT_LIST_DIR}/mesos/Target.cmake)
endif()
