# What an installed libmesos.so was linked with. Its protobuf and glog are inside of it,
# beside it, or the system's; headers and protoc have to be of the same.

# Gives what `entry` (NEEDED, SONAME) of the dynamic section of `file` says; UNKNOWN
# where the file is no ELF.
function(mesos_dynamic file entry result)
  execute_process(
    COMMAND ${Mesos_READELF} --dynamic --wide ${file}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE dynamic
    ERROR_QUIET)
  set(names UNKNOWN)
  if(status EQUAL 0 AND dynamic MATCHES "Dynamic section")
    string(REGEX MATCHALL "\\(${entry}\\)[^\n]*" lines "${dynamic}")
    set(names "")
    foreach(line IN LISTS lines)
      if(line MATCHES "\\[(.*)\\]")
        list(APPEND names ${CMAKE_MATCH_1})
      endif()
    endforeach()
  endif()
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# Gives, for the library `name` (protobuf, glog):
#
#   Mesos_<name>_NEEDED   the name by which libmesos.so needs it; empty where it holds
#                         it itself; UNKNOWN where that cannot be seen
#   Mesos_<name>_LIBRARY  the file to link with, if any: the one beside libmesos.so
#                         or in lib/mesos/3rdparty before the system's
function(mesos_linked name)
  mesos_dynamic(${Mesos_LIBRARY} NEEDED needed)
  set(soname "")
  if(needed STREQUAL UNKNOWN)
    set(soname UNKNOWN)
  endif()
  foreach(library IN LISTS needed)
    if(library MATCHES "^lib${name}d?\\.so")
      set(soname ${library})
    endif()
  endforeach()

  if(soname)
    set(file ${soname})
    if(soname STREQUAL UNKNOWN)
      set(file lib${name}.so)
    endif()
    get_filename_component(directory ${Mesos_LIBRARY} DIRECTORY)
    find_file(Mesos_${name}_LIBRARY ${file}
      PATHS ${directory} ${Mesos_BUNDLE}/lib ${Mesos_BUNDLE}/lib64
        ${CMAKE_SYSTEM_LIBRARY_PATH} ${mesos_library_directories}
      NO_DEFAULT_PATH)
    mark_as_advanced(Mesos_${name}_LIBRARY)
  endif()
  set(Mesos_${name}_NEEDED "${soname}" PARENT_SCOPE)
endfunction()

# Whether the system's headers of `name` are those of the library that libmesos.so
# needs: the one that a linker finds with them has the same name.
function(mesos_system_fits name result)
  set(fits FALSE)
  if(Mesos_${name}_NEEDED STREQUAL UNKNOWN)
    set(fits TRUE)
  elseif(Mesos_${name}_NEEDED)
    find_library(Mesos_${name}_SYSTEM_LIBRARY ${name})
    mark_as_advanced(Mesos_${name}_SYSTEM_LIBRARY)
    if(Mesos_${name}_SYSTEM_LIBRARY)
      mesos_dynamic(${Mesos_${name}_SYSTEM_LIBRARY} SONAME soname)
      if(soname STREQUAL Mesos_${name}_NEEDED)
        set(fits TRUE)
      endif()
    endif()
  endif()
  set(${result} ${fits} PARENT_SCOPE)
endfunction()

set(mesos_library_directories
  /usr/local/lib /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /lib/${CMAKE_LIBRARY_ARCHITECTURE}
  /usr/lib64 /lib64 /usr/lib /lib)
