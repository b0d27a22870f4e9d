# Runs `go build` and writes what the output depends on. Called at build time by
# sluice_go_build with GO, MODE, PACKAGE, SOURCE, OUTPUT, DEPFILE, RACE, TAGS,
# VERSION, and MESOS and TREE, the version of the headers and the tree they are of.

cmake_minimum_required(VERSION 3.18)

set(ENV{CGO_ENABLED} 1)
if(MODE STREQUAL static)
  set(ENV{CGO_ENABLED} 0)
  set(MODE exe)
endif()

set(flags -trimpath)
if(RACE)
  list(APPEND flags -race)
endif()
# Go's own resolver: nothing here asks a name server, and libresolv has its functions
# under other names before glibc 2.34.
if(TAGS)
  string(PREPEND TAGS ",")
endif()
list(APPEND flags -tags=netgo${TAGS})

file(STRINGS ${SOURCE}/VERSION release LIMIT_COUNT 1)
set(stamps "-X sluice/core/version.Version=${VERSION}")
string(APPEND stamps " -X sluice/core/version.Release=${release}")
string(APPEND stamps " -X sluice/core/version.Mesos=${MESOS}")
string(APPEND stamps " -X sluice/core/version.Tree=${TREE}")

execute_process(
  COMMAND ${GO} build ${flags} -buildvcs=false -buildmode=${MODE}
    -ldflags ${stamps}
    -o ${OUTPUT} ${PACKAGE}
  WORKING_DIRECTORY ${SOURCE}
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "go build of ${PACKAGE} failed")
endif()

# An unchanged archive keeps its time stamp in the cache of go; its time has to
# pass that of its sources for the build to be at rest.
file(TOUCH ${OUTPUT})

# The directory stands for files that come and go.
set(template "{{if .Module}}{{if .Module.Main}}{{$dir := .Dir}}{{$dir}}
{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .CgoFiles}}{{$dir}}/{{.}}
{{end}}{{range .CFiles}}{{$dir}}/{{.}}
{{end}}{{range .HFiles}}{{$dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}{{end}}")

execute_process(
  COMMAND ${GO} list -deps ${flags} -f ${template} ${PACKAGE}
  WORKING_DIRECTORY ${SOURCE}
  OUTPUT_VARIABLE sources
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "go list of ${PACKAGE} failed")
endif()

string(REGEX REPLACE "[\n]+" ";" sources "${sources}")
list(APPEND sources ${SOURCE}/go.mod ${SOURCE}/go.sum)
list(TRANSFORM sources REPLACE " " "\\\\ ")
list(JOIN sources " \\\n  " joined)
file(WRITE ${DEPFILE} "${OUTPUT}: \\\n  ${joined}\n")
