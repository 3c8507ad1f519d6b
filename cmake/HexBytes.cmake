# tinyfiqa_hex_bytes(FILE BYTES COUNT): sets BYTES to the file's bytes as the elements of an array of C++, and COUNT to
# their number.
function(tinyfiqa_hex_bytes file bytes count)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REPEAT "." 4096 line)  # 2,048 bytes a line: nobody reads them
  string(REGEX REPLACE "(${line})" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(STRIP "${hex}" hex)
  set(${bytes} "${hex}" PARENT_SCOPE)
  set(${count} ${size} PARENT_SCOPE)
endfunction()
