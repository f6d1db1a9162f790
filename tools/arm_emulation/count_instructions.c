/* A TCG plugin for qemu-user: counts the instructions that a program executes, and of them the
 * vector multiply-adds that tell which kernels ran.
 *
 *     qemu-aarch64 -plugin count_instructions.so,out=FILE PROGRAM
 *
 * writes a line "name count" each when the program ends. Counters are added to by code inlined
 * into each block of instructions, unlocked: a program with one thread is counted exactly.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* Encodings of "Arm Architecture Reference Manual for A-profile", C4.1, "Data Processing --
 * Scalar Floating-Point and Advanced SIMD"; a kind has one for vectors, one for a vector's lane. */
static const struct {
    const char *kind;
    uint32_t mask, value;
} patterns[] = {
    {"smlal", 0xbf20fc00, 0x0e208000}, {"smlal", 0xbf00f400, 0x0f002000},
    {"sdot", 0xbf20fc00, 0x0e009400},  {"sdot", 0xbf00f400, 0x0f00e000},
    {"smmla", 0xffe0fc00, 0x4e80a400}, {"fmla", 0xbfa0fc00, 0x0e20cc00},
    {"fmla", 0xbf80f400, 0x0f801000},
};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static uint64_t instructions, matches[PATTERNS];
static char out[4096];

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    size_t length = qemu_plugin_tb_n_insns(block);
    uint64_t found[PATTERNS] = {0};

    (void)id;
    for (size_t i = 0; i < length; i++) {
        uint32_t code;
        memcpy(&code, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof code);
        for (int p = 0; p < PATTERNS; p++)
            found[p] += (code & patterns[p].mask) == patterns[p].value;
    }
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &instructions,
                                             length);
    for (int p = 0; p < PATTERNS; p++)
        if (found[p])
            qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                                     &matches[p], found[p]);
}

static void report(qemu_plugin_id_t id, void *data)
{
    FILE *file = fopen(out, "w");

    (void)id;
    (void)data;
    if (!file) {
        perror(out);
        return;
    }
    fprintf(file, "instructions %" PRIu64 "\n", instructions);
    for (int p = 0; p < PATTERNS; p++)
        fprintf(file, "%s %" PRIu64 "\n", patterns[p].kind, matches[p]);
    fclose(file);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) || strlen(argv[0]) - 4 >= sizeof out) {
        fprintf(stderr, "count_instructions: expected one argument, out=FILE\n");
        return -1;
    }
    strcpy(out, argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
