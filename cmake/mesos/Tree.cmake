# Which tree a Mesos is of: Apache's, or a fork that goes under its numbers.
#
# Clusterd has called itself 1.11.0 since it took on what came after Apache's 1.11: a
# field of its messages that no release of Apache's before 1.12 has tells it (its 0.6
# and later). Its earlier releases have Apache's headers, and differ in name only.

set(mesos_field_of_1_12 net_ephemeral_ports)

# Gives the name of the tree; MESOS_TREE, where it is set, is right.
function(mesos_tree version result)
  if(MESOS_TREE)
    if(NOT MESOS_TREE MATCHES "^[A-Za-z][A-Za-z0-9]*$")
      message(FATAL_ERROR "MESOS_TREE=${MESOS_TREE} is no name of a tree; expected one word of letters and digits, such as Clusterd")
    endif()
    set(${result} ${MESOS_TREE} PARENT_SCOPE)
    return()
  endif()

  set(tree Mesos)
  set(messages ${Mesos_INCLUDE_DIR}/mesos/mesos.proto)
  if(NOT EXISTS ${messages})
    set(messages ${Mesos_INCLUDE_DIR}/mesos/mesos.pb.h)
  endif()
  if(version VERSION_LESS 1.12 AND EXISTS ${messages})
    file(STRINGS ${messages} field REGEX ${mesos_field_of_1_12} LIMIT_COUNT 1)
    if(field)
      set(tree Clusterd)
    endif()
  endif()
  if(MESOS_SOURCE AND EXISTS ${MESOS_SOURCE}/CMakeLists.txt)
    file(STRINGS ${MESOS_SOURCE}/CMakeLists.txt line REGEX "^project\\((aventer-mesos|clusterd)")
    if(line)
      set(tree Clusterd)
    endif()
  endif()
  set(${result} ${tree} PARENT_SCOPE)
endfunction()
