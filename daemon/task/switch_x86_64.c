/*
 * The switch in assembly, for x86-64 (System V ABI, 3.2.1): what a called function must keep is pushed (rbp, rbx, r12–r15, and the control
 * words of SSE and x87), the stack pointers are exchanged, and the same is popped from the other stack.
 *
 * It ends in an indirect jump, not in ret: the processor predicts ret from the calls that it saw, which were made on another stack, and
 * is wrong each time. The x87 control word is nearly always the same on both sides, and comparing it is cheaper than loading it; for MXCSR
 * it is the other way round.
 */
#include "daemon/task/switch.h"

#ifndef TASK_SWITCH_UCONTEXT

#include <stdint.h>

/* As switch_registers leaves it on the stack, lowest address first. */
struct saved {
	uint32_t mxcsr;
	uint16_t x87, unused;
	uint64_t r15, r14, r13, r12, rbx, rbp;
	uint64_t go_on;
};

__asm__(".text\n"
	".p2align 4\n"
	".globl switch_registers\n"
	".hidden switch_registers\n"
	".type switch_registers, @function\n"
	"switch_registers:\n"
	"	.cfi_startproc\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	subq $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	movzwl 4(%rsp), %eax\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	ldmxcsr (%rsp)\n"
	"	cmpw %ax, 4(%rsp)\n"
	"	jne 2f\n"
	"1:	addq $8, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rdx\n"
	"	jmpq *%rdx\n"
	"2:	fldcw 4(%rsp)\n"
	"	jmp 1b\n"
	"	.cfi_endproc\n"
	".size switch_registers, . - switch_registers\n"
	/* Where a new stack begins: fn in rbx, arg in rbp. A debugger's walk up the stack ends here. */
	".p2align 4\n"
	".globl switch_first\n"
	".hidden switch_first\n"
	".type switch_first, @function\n"
	"switch_first:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	movq %rbp, %rdi\n"
	"	xorl %ebp, %ebp\n"
	"	callq *%rbx\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size switch_first, . - switch_first\n");

void switch_first(void);

void switch_machine_init(struct context *c, void *low, size_t size, void (*fn)(void *arg), void *arg)
{
	/* The call in switch_first wants the stack pointer at a multiple of 16. */
	struct saved *s = (struct saved *)((char *)low + size) - 1;
	*s = (struct saved){
	    .rbx = (uint64_t)(uintptr_t)fn,
	    .rbp = (uint64_t)(uintptr_t)arg,
	    .go_on = (uint64_t)(uintptr_t)switch_first,
	};
	__asm__("stmxcsr %0" : "=m"(s->mxcsr));
	__asm__("fnstcw %0" : "=m"(s->x87));
	c->sp = s;
}

#endif
