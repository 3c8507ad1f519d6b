// Macros of <windows.h> and the headers that it includes, for a program that forgot NOMINMAX and WIN32_LEAN_AND_MEAN.
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define near
#define far
#define huge
#define small char
#define hyper long long
#define cdecl
#define pascal
#define interface struct
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define TRUE 1
#define FALSE 0
#define ERROR 0
#define NO_ERROR 0L
#define STRICT 1
#define DELETE 0x00010000L
#define IGNORE 0
#define TRANSPARENT 1
#define OPAQUE 2
#define ABSOLUTE 1
#define RELATIVE 2
#define DIFFERENCE 11
#define THIS_
#define THIS void
#define PURE = 0
#define Yield()
#define GetMessage GetMessageA
#define SendMessage SendMessageA
#define CreateFile CreateFileA
#define CopyFile CopyFileA
#define DeleteFile DeleteFileA
#define DrawText DrawTextA
#define LoadImage LoadImageA
#define GetObject GetObjectA
#define rad1 0x0450
#define chx1 0x0440
#define edt1 0x0480
#define lst1 0x0460
#define grp1 0x0430
#define psh1 0x0400
#define stc1 0x0440
#define cmb1 0x0470
