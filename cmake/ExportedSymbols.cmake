# Asserts what LIBRARY shows to the dynamic loader: the two module objects and
# C++ symbols that are weak or unique, nothing of Go; bound at load time, never
# unloaded. Called by ctest with NM, READELF and LIBRARY.

cmake_minimum_required(VERSION 3.18)

include(${CMAKE_CURRENT_LIST_DIR}/Status.cmake)

set(objects org_apache_mesos_LogrotateContainerLogger sluice_ContainerLogger)

execute_process(
  COMMAND ${NM} -D --defined-only ${LIBRARY}
  OUTPUT_VARIABLE listing
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "nm of ${LIBRARY}")

string(STRIP "${listing}" listing)
string(REPLACE "\n" ";" lines "${listing}")

set(found "")
foreach(line ${lines})
  if(NOT line MATCHES "^[0-9a-f]+ (.) ([^ ]+)$")
    message(FATAL_ERROR "unexpected line of nm: ${line}")
  endif()

  set(type ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})

  if(name IN_LIST objects)
    list(APPEND found ${name})
  elseif(NOT (type MATCHES "^[WVu]$" AND name MATCHES "^_Z"))
    message(SEND_ERROR "exported, and should not be: ${line}")
  endif()
endforeach()

list(SORT found)
if(NOT found STREQUAL "${objects}")
  message(SEND_ERROR "module objects exported: '${found}', expected: '${objects}'")
endif()

execute_process(
  COMMAND ${READELF} -dW ${LIBRARY}
  OUTPUT_VARIABLE dynamic
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "readelf of ${LIBRARY}")

foreach(flag NODELETE NOW)
  if(NOT dynamic MATCHES "Flags:[^\n]* ${flag}")
    message(SEND_ERROR "the dynamic section lacks the flag ${flag}:\n${dynamic}")
  endif()
endforeach()

# A relocation against a name of Go's would let another library take its place.
execute_process(
  COMMAND ${READELF} -rW ${LIBRARY}
  OUTPUT_VARIABLE relocations
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "readelf of ${LIBRARY}")

foreach(name runtime\\. sluice_create sluice_prepare _cgo_ crosscall)
  if(relocations MATCHES "[^\n]* ${name}[^\n]*")
    message(SEND_ERROR "a relocation against the core's symbol: ${CMAKE_MATCH_0}")
  endif()
endforeach()
