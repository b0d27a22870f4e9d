# sluice_expect_success(<status> <what>): what CMake 3.19 has COMMAND_ERROR_IS_FATAL for.

function(sluice_expect_success status what)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status})")
  endif()
endfunction()
