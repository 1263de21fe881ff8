# cmake -D OUTPUT=page_text.c -P embed.cmake: the files of this folder as arrays in C. Bytes, since
# a string literal of C may have 4,095 characters only.
set(text "#include \"sim/page_text.h\"\n")
foreach(name style.css body.html model.js draw.js hand.js)
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${name} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REPLACE "." "_" name ${name})
  string(APPEND text "\nconst char gkv_page_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
