# bench_performance, and the programs that it starts and asks; it finds them beside itself. Those whose
# library is not installed are left out, and so are the prototypes where nobody says where they lie.

pkg_check_modules(URCU IMPORTED_TARGET liburcu-memb liburcu-cds)
pkg_check_modules(CK IMPORTED_TARGET ck)
set(here ${root}/bench/performance)

file(GLOB table_sources CONFIGURE_DEPENDS ${here}/table_*.c)
add_executable(bench_performance ${root}/bench/bench_performance.c ${here}/child.c
  ${here}/contenders.c ${table_sources})
target_link_libraries(bench_performance PRIVATE bench_performance_parts gridkv_posix)

# A store in a process: rival_<noun>.
function(rival noun)
  add_executable(rival_${noun} ${here}/rival_${noun}.c ${here}/rival.c ${here}/worker.c)
  target_compile_definitions(rival_${noun} PRIVATE _GNU_SOURCE)
  target_link_libraries(rival_${noun} PRIVATE bench_performance_parts gridkv_posix Threads::Threads
    ${ARGN})
endfunction()

rival(gridkv)
rival(api)
rival(limit)
rival(chain)
if(URCU_FOUND)
  rival(urcu PkgConfig::URCU)
endif()
if(CK_FOUND)
  rival(ck PkgConfig::CK)
endif()

# Their code is as it is: compiled in its own dialect, by the options that its authors give.
if(EXISTS "${GRIDKV_PROTOTYPES}/store_bench.c")
  rival(v4a)
  target_include_directories(rival_v4a SYSTEM PRIVATE ${GRIDKV_PROTOTYPES})
  set_source_files_properties(${here}/rival_v4a.c PROPERTIES
    COMPILE_OPTIONS "-std=gnu11;-O3;-march=native;-w")
  foreach(noun kvsrv quorum)
    add_executable(prototype_${noun} ${GRIDKV_PROTOTYPES}/${noun}.c)
    target_compile_options(prototype_${noun} PRIVATE -std=gnu11 -O3 -march=native -w)
    target_include_directories(prototype_${noun} PRIVATE ${XXHASH_INCLUDE_DIRS})
    target_link_libraries(prototype_${noun} PRIVATE Threads::Threads m)
  endforeach()
endif()

foreach(noun load bare)
  add_executable(bench_${noun} ${here}/${noun}.c)
  target_link_libraries(bench_${noun} PRIVATE bench_performance_parts gridkv_posix)
endforeach()
add_executable(bench_nodes ${here}/nodes.c)
target_link_libraries(bench_nodes PRIVATE gridkv_posix)

# Sanitizers would find what the rivals are known for.
if(plain)
  add_test(NAME bench.performance COMMAND bench_performance --quick
    --plots ${build}/performance.smoke)
  set_tests_properties(bench.performance PROPERTIES
    PASS_REGULAR_EXPRESSION "marks are passed" TIMEOUT 120)
endif()
