# Writes OUTPUT, the copyright file of the packages: this project's licence, and
# those of Go and of every Go module that is linked into the products. Called at build time
# with GO, SOURCE and OUTPUT.

cmake_minimum_required(VERSION 3.18)

include(${CMAKE_CURRENT_LIST_DIR}/../Status.cmake)

execute_process(
  COMMAND ${GO} list -deps -f "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}"
    ./core/cmd/sluice ./bridge
  WORKING_DIRECTORY ${SOURCE}
  OUTPUT_VARIABLE listing
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "go list of the products")
string(REPLACE "\n" ";" modules "${listing}")
list(REMOVE_ITEM modules "")
list(REMOVE_DUPLICATES modules)
list(SORT modules)

execute_process(
  COMMAND ${GO} env GOROOT
  OUTPUT_VARIABLE root
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "go env GOROOT")
execute_process(
  COMMAND ${GO} env GOVERSION
  OUTPUT_VARIABLE version
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "go env GOVERSION")
list(APPEND modules "Go ${version} ${root}")

set(apache "On Debian systems the text of the Apache License 2.0 is in
/usr/share/common-licenses/Apache-2.0; elsewhere it is at
<https://www.apache.org/licenses/LICENSE-2.0>.")

set(text "Sluice, a container logger for Apache Mesos agents.
Copyright: the authors of Sluice.
Licence: Apache License, Version 2.0.
${apache}

The library and the command contain the following Go modules, and of Go its runtime
and standard library. What has only the Apache License named is under it.
")

foreach(module ${modules})
  string(REPLACE " " ";" module "${module}")
  list(GET module 0 path)
  list(GET module 1 version)
  list(GET module 2 directory)

  file(GLOB licences ${directory}/LICEN[CS]E* ${directory}/Licen[cs]e* ${directory}/COPYING* ${directory}/NOTICE*)
  if(NOT licences)
    message(FATAL_ERROR "${path} ${version} has no file LICENSE, COPYING or NOTICE: it cannot be packaged")
  endif()

  string(APPEND text "\n----\n${path} ${version}\n")
  foreach(licence ${licences})
    file(READ ${licence} words)
    if(words MATCHES "^[ \n]*Apache License[ \n]+Version 2\\.0")
      set(words "Apache License, Version 2.0.\n")
    else()
      # One licence of several in the file.
      string(REGEX REPLACE
        "[ \n]*Apache License[ \n]+Version 2\\.0.*END OF TERMS AND CONDITIONS.*limitations under the License\\."
        "\nApache License, Version 2.0." words "${words}")
    endif()
    string(APPEND text "\n${words}")
  endforeach()
endforeach()

file(WRITE ${OUTPUT} "${text}")
