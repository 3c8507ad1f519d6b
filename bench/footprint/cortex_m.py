"""tinyFQnet on a Cortex-M7 under QEMU: TFLite Micro with CMSIS-NN beside examples/bare_metal."""
import glob
import os
import re

from costs import Failed, compile_all, need, once, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BARE_METAL = os.path.join(ROOT, "examples", "bare_metal")
SIDES = (48, 64)

CPU = ["-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard"]
MEMORY = ["flash_origin=0", "flash_bytes=512K", "ram_origin=0x20000000", "ram_bytes=512K", "entry_point=reset"]
QEMU = ["qemu-system-arm", "-machine", "mps2-an500", "-nographic", "-monitor", "none", "-semihosting-config",
        "enable=on,target=native", "-icount", "shift=0"]
# As TFLite Micro's Makefile has them for BUILD_TYPE=release. It compiles the core with -Os and the kernels with -O2.
TFLM_FLAGS = ["-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections",
              "-DTF_LITE_STATIC_MEMORY", "-DTF_LITE_DISABLE_X86_NEON", "-DNDEBUG", "-DTF_LITE_STRIP_ERROR_STRINGS"]
CXX_FLAGS = ["-std=c++17", "-fno-rtti", "-fno-threadsafe-statics"]
CMSIS_NN_FLAGS = ["-DCMSIS_NN", "-DARM_NN_ENABLE_F16=0", "-DARM_NN_ENABLE_F32=0"]
KERNELS = ("add", "conv", "depthwise_conv", "fully_connected", "logistic", "reduce")


class TfliteMicro:
    """TFLite Micro with the kernels that tinyFQnet needs. CMSIS-NN has kernels for int8. For float32 they are TFLite Micro's
    reference kernels: CMSIS-NN would only add code to them."""

    def __init__(self, peers, out):
        need(peers, "tflite-micro", "CMSIS-NN", "CMSIS_6", "flatbuffers", "gemmlowp", "ruy")
        self.tflm, self.nn, self.out = os.path.join(peers, "tflite-micro"), os.path.join(peers, "CMSIS-NN"), out
        includes = [self.tflm, self.nn, os.path.join(self.nn, "Include"), os.path.join(peers, "CMSIS_6", "CMSIS", "Core", "Include"),
                    os.path.join(peers, "flatbuffers", "include"), os.path.join(peers, "gemmlowp"), os.path.join(peers, "ruy")]
        self.flags = CPU + TFLM_FLAGS + ["-I" + path for path in includes]

    def core(self):
        lite = os.path.join(self.tflm, "tensorflow", "lite")
        folders = ["micro", "micro/arena_allocator", "micro/memory_planner", "micro/tflite_bridge", "kernels", "kernels/internal",
                   "kernels/internal/reference", "core/**", "../compiler/**"]
        found = [f for folder in folders for f in glob.glob(os.path.join(lite, folder, "*.cc"), recursive=True)]
        return [f for f in found if not re.search(r"_test\.cc$|/test_helper|/mock_", f)]

    def kernels(self, kind):
        folder = os.path.join(self.tflm, "tensorflow", "lite", "micro", "kernels")
        files = [os.path.join(folder, "kernel_util.cc"), os.path.join(folder, "micro_tensor_utils.cc")]
        for name in KERNELS:
            fast = os.path.join(folder, "cmsis_nn", name + ".cc")
            files.append(fast if kind == "int8" and os.path.exists(fast) else os.path.join(folder, name + ".cc"))
            files.append(os.path.join(folder, name + "_common.cc"))
        if kind == "int8":
            files += glob.glob(os.path.join(self.nn, "Source", "**", "*.c"), recursive=True)
        return [f for f in files if not re.search(r"_f16\.c$|_f32\.c$|arm_nntables_flt", f)]

    def archive(self, name, files, flags):
        """Compiles the files to a static library. Returns its path and the processor seconds."""
        folder = os.path.join(self.out, name)
        return folder + ".a", once(folder + ".seconds", lambda: self.compile(folder, files, flags))

    def compile(self, folder, files, flags):
        os.makedirs(folder, exist_ok=True)
        objects = [os.path.join(folder, f"{i}.o") for i in range(len(files))]
        commands = []
        for file, compiled in zip(files, objects):
            compiler = ["arm-none-eabi-gcc"] if file.endswith(".c") else ["arm-none-eabi-g++", *CXX_FLAGS]
            commands.append([*compiler, *self.flags, *flags, "-c", file, "-o", compiled])
        seconds = compile_all(commands)
        run(["arm-none-eabi-ar", "rcs", folder + ".a", *objects])
        return seconds

    def build(self, kind, level):
        """The kernels of one element type. Returns their library and the processor seconds."""
        flags = [level] + (CMSIS_NN_FLAGS if kind == "int8" else [])
        return self.archive(f"tflm_{kind}{level}", self.kernels(kind), flags)

    def build_core(self):
        return self.archive("tflm_core", self.core(), ["-Os"])

    def program(self, libraries, header, kind, side, arena_bytes):
        elf = os.path.join(os.path.dirname(header), "face.elf")
        sources = [os.path.join(HERE, "tflm_face.cpp"), os.path.join(BARE_METAL, "board_arm.cpp")]
        own = [f"-DSIDE={side}", f"-DARENA_BYTES={arena_bytes}", "-I" + BARE_METAL, "-I" + os.path.dirname(header)]
        own += ["-DMODEL_INT8", *CMSIS_NN_FLAGS] if kind == "int8" else []
        link = ["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections", "-T", os.path.join(BARE_METAL, "link.ld"),
                "-Wl,--defsym=" + ",--defsym=".join(MEMORY), "-Wl,--start-group", *libraries, "-Wl,--end-group"]
        run(["arm-none-eabi-g++", "-Os", *CXX_FLAGS, *self.flags, *own, *sources, *link, "-o", elf])
        return elf


def model_header(tflite, folder):
    """The model as an array, in a folder of its own."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "tflite_model.hpp")
    with open(tflite, "rb") as file:
        content = file.read()
    with open(path, "w") as file:
        file.write("alignas(16) static constexpr unsigned char tflite_model[] = {" + ",".join(map(str, content)) + "};\n")
    return path, len(content)


def run_program(elf):
    """What the program printed: {"score": ..., "arena": ..., "stack": ..., "instructions": ...}."""
    output = run(["timeout", "120", *QEMU, "-kernel", elf])[2]
    printed = dict(line.split() for line in output.splitlines() if len(line.split()) == 2)
    if "instructions" not in printed:
        raise Failed(f"{elf} printed: {output.strip()[:300]}")
    return printed


def section_bytes(elf):
    lines = run(["arm-none-eabi-size", "-A", elf])[2].splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(".")}


def measure_tflm(tflm, libraries, tflite, kind, side):
    """One row. The program is built twice: first with a large arena, then with the one that it needs."""
    header, model_bytes = model_header(tflite, libraries[0][:-2] + f"_{side}")
    printed = run_program(tflm.program(libraries, header, kind, side, 300 * 1024))
    arena = (int(printed["arena"]) + 15) // 16 * 16
    elf = tflm.program(libraries, header, kind, side, arena)
    printed, bytes_of = run_program(elf), section_bytes(elf)
    flash, stack = bytes_of[".text"] + bytes_of[".data"], int(printed["stack"])
    ram = bytes_of[".data"] + bytes_of[".bss"] + stack
    return [flash, model_bytes, ram, arena, stack, int(printed["instructions"]), printed["score"]]


def measure_ours(tool, out):
    """{(type of the weights, side): row} of Cortex-M7, as examples/bare_metal/build.sh prints them, in the columns of measure_tflm()."""
    output = run([os.path.join(BARE_METAL, "build.sh"), tool, os.path.join(out, "bare_metal")])[2]
    rows = {}
    for kind, side in [(kind, side) for kind in ("float32", "int8") for side in SIDES]:
        name = f"score_{side}" + ("_i8" if kind == "int8" else "")
        cells = re.search(rf"\| Cortex-M7 \| {name} \|(.*)\|", output).group(1).split("|")
        flash, weights, ram, stack, instructions = map(int, cells)
        with open(os.path.join(out, "bare_metal", f"{name}.Cortex_M7.elf.out")) as file:
            printed = file.read()
        arena, score = (re.search(rf"^{word} (\S+)", printed, re.M).group(1) for word in ("arena", "score"))
        rows[kind, side] = [flash, weights, ram, int(arena), stack, instructions, score]
    return rows
