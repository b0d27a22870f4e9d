# The headers of what Mesos' own headers include: those that it brought along, before
# those of its sources, before the system's.

# Gives Mesos_<name>_INCLUDE_DIR, where `header` is; adds to mesos_missing where it is
# nowhere, or where the system's are not of the library that libmesos.so uses.
function(mesos_dependency name header)
  set(variable Mesos_${name}_INCLUDE_DIR)
  set(own ${Mesos_BUNDLE}/include ${Mesos_BUNDLE}/usr/local/include ${Mesos_PREFIX}/include)
  list(REMOVE_ITEM own /usr/include)

  find_path(${variable} ${header} PATHS ${own} NO_DEFAULT_PATH)
  mark_as_advanced(${variable})
  if(${variable})
    return()
  endif()

  # What is a library has to fit; what is a header only does not.
  set(fits TRUE)
  if(DEFINED Mesos_${name}_NEEDED)
    mesos_system_fits(${name} fits)
  endif()

  if(MESOS_SOURCE AND NOT (fits AND DEFINED Mesos_${name}_NEEDED))
    mesos_source_dependency(${name} ${header} directory)
    if(directory)
      set(${variable} ${directory} CACHE PATH "" FORCE)
      return()
    endif()
  endif()

  if(fits)
    find_path(${variable} ${header})
    if(NOT ${variable})
      mesos_miss("${header}" "install the package of the system that has it, or ${mesos_switch}")
    endif()
  elseif(Mesos_${name}_NEEDED)
    mesos_miss("${header}, of the ${Mesos_${name}_NEEDED} that libmesos.so needs; the system's is of another"
      "${mesos_switch}")
  else()
    mesos_miss("${header}, of the ${name} inside of libmesos.so; the system's may be of another"
      "${mesos_switch}, or name the directory with -D${variable}=")
  endif()
endfunction()

# Gives the version of protobuf's headers, such as 3.21.12; empty where they do not say.
function(mesos_protobuf_version directory result)
  set(version "")
  set(file ${directory}/google/protobuf/stubs/common.h)
  if(EXISTS ${file})
    file(STRINGS ${file} line REGEX "^#define GOOGLE_PROTOBUF_VERSION [0-9]+")
    if(line MATCHES "([0-9]+)([0-9][0-9][0-9])([0-9][0-9][0-9])$")
      math(EXPR minor "1${CMAKE_MATCH_2} - 1000")
      math(EXPR patch "1${CMAKE_MATCH_3} - 1000")
      set(version ${CMAKE_MATCH_1}.${minor}.${patch})
      # From 22 on protoc leaves the language's own number out.
      if(minor GREATER 21)
        set(version ${minor}.${patch})
      endif()
    endif()
  endif()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

# Gives the version of a protoc; empty where the file is none.
function(mesos_protoc_version file result)
  execute_process(COMMAND ${file} --version OUTPUT_VARIABLE text ERROR_QUIET)
  set(version "")
  if(text MATCHES "^libprotoc ([0-9.]+)")
    set(version ${CMAKE_MATCH_1})
  endif()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

# Gives Mesos_PROTOC: the first protoc that is of the version of the headers, of those
# that Mesos brought along, the system's, and what its sources make.
function(mesos_protoc)
  mesos_protobuf_version(${Mesos_protobuf_INCLUDE_DIR} version)
  set(found "")
  foreach(place own system)
    if(place STREQUAL own)
      set(where PATHS ${Mesos_BUNDLE}/bin ${Mesos_PREFIX}/bin NO_DEFAULT_PATH)
    else()
      set(where "")
    endif()
    unset(Mesos_PROTOC_CANDIDATE CACHE)
    if(Mesos_PROTOC)
      set(Mesos_PROTOC_CANDIDATE ${Mesos_PROTOC})
    else()
      find_program(Mesos_PROTOC_CANDIDATE protoc ${where})
    endif()
    if(Mesos_PROTOC_CANDIDATE)
      mesos_protoc_version(${Mesos_PROTOC_CANDIDATE} candidate)
      if(NOT version OR candidate STREQUAL version)
        set(Mesos_PROTOC ${Mesos_PROTOC_CANDIDATE} CACHE FILEPATH "protoc of the version of Mesos' protobuf")
        unset(Mesos_PROTOC_CANDIDATE CACHE)
        return()
      endif()
      list(APPEND found "${Mesos_PROTOC_CANDIDATE} is ${candidate}")
    endif()
  endforeach()
  unset(Mesos_PROTOC_CANDIDATE CACHE)

  if(MESOS_SOURCE)
    mesos_source_protoc("${version}" protoc)
    if(protoc)
      set(Mesos_PROTOC ${protoc} CACHE FILEPATH "" FORCE)
      return()
    endif()
  endif()

  list(REMOVE_DUPLICATES found)
  string(REPLACE ";" ", " found "${found}")
  if(found)
    set(found "; ${found}")
  endif()
  mesos_miss("protoc ${version}, the version of the headers in ${Mesos_protobuf_INCLUDE_DIR}${found}"
    "name one with -DMesos_PROTOC=FILE: an install of Mesos by CMake has it as bin/protoc, its 3rdparty/protobuf-*.tar.gz makes it, and so does -DMESOS_SOURCE=DIR")
endfunction()
