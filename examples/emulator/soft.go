package main

import (
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// The program's addresses, as guest.h has them but for the stack: not every part
// reaches beyond 2 GiB.
const (
	userImage  = 0x5000 // where the program lies in the guest's image
	textBase   = 0x10000000
	dataBase   = 0x20000000
	dataEnd    = dataBase + 0x10000
	commonBase = 0x30000000
	stackBase  = 0x40000000
	stackEnd   = stackBase + 0x10000
	framesBase = 0x100000 // of vCPU 0; those of vCPU 1 follow
	framesEach = 0x40000
	pageBytes  = 4096
)

// System calls of the program: number in r0, argument in r3.
const (
	sysExit = iota
	sysPrint
	sysNumber
	sysDrop
	sysLock
)

// softKernel is the kernel of one vCPU with a software-loaded TLB: a page table,
// which the handlers of package tlb load the TLB from, page faults, and system
// calls. It takes the place of the guest's own.
type softKernel struct {
	c      *vcpu
	cpu    tlb.Kernel
	number uint64
	pages  map[uint64]tlb.Page // by page number
	frames uint64              // given out
	err    error

	misses, faults, calls, locked int
}

// runSoft runs the program on both vCPUs, one instruction each in turn, so that
// the numbers of misses are the same every time.
func runSoft(w io.Writer, part string) error {
	memory := make(ram, ramBytes/8)
	memory.write(guest)
	kernels, err := newSoftKernels(part, memory)
	if err != nil {
		return err
	}
	for range instructions {
		running := false
		for _, k := range kernels {
			if !k.c.stopped {
				k.c.step()
				running = true
			}
		}
		if !running {
			break
		}
	}
	for i, k := range kernels {
		fmt.Fprintf(w, "vCPU %d\n%s", i, k.c.console)
		switch {
		case k.err != nil:
			return k.err
		case !k.c.stopped:
			return fmt.Errorf("still running after %d instructions, at %#x", instructions, k.c.pc)
		}
	}
	fmt.Fprintf(w, "counted together: %d\n", memory.load(sharedCount, 8))
	fmt.Fprintf(w, "TLB: %s\n", part)
	return nil
}

// newSoftKernels makes both vCPUs with their kernels.
func newSoftKernels(part string, memory ram) (kernels [2]*softKernel, err error) {
	profile, err := tlb.ByName(part)
	if err != nil {
		return kernels, err
	}
	cpus, err := tlb.NewKernels(len(kernels), tlb.KernelConfig{
		Profile: profile,
		Walk:    func(cpu int, va uint64) (tlb.Page, bool) { return kernels[cpu].walk(va) },
		Reports: func(cpu int, r tlb.Report) { kernels[cpu].err = fmt.Errorf("two TLB entries: %+v", r) },
	})
	if err != nil {
		return kernels, err
	}
	for i := range kernels {
		kernels[i] = newSoftKernel(uint64(i), memory, cpus[i])
	}
	return kernels, nil
}

// newSoftKernel makes the vCPU with its kernel, about to enter the program.
func newSoftKernel(number uint64, m ram, cpu tlb.Kernel) *softKernel {
	k := &softKernel{cpu: cpu, number: number, pages: make(map[uint64]tlb.Page)}
	k.c = &vcpu{ram: m, pc: textBase, msr: msrSF | msrME | mmu.MSRPR | mmu.MSRIR | mmu.MSRDR, soft: k}
	k.c.gpr[1], k.c.gpr[3] = stackBase+0x8000, number
	cpu.SetContext(number + 1)
	return k
}

// scale is how much larger the part's base pages are than the machine's, as a
// shift: all addresses are scaled by it.
func (k *softKernel) scale() uint8 { return k.cpu.PageShift() - 12 }

func (k *softKernel) va(ea uint64) uint64 { return ea / pageBytes * pageBytes << k.scale() }

// walk is the page table walk of the handlers.
func (k *softKernel) walk(va uint64) (tlb.Page, bool) {
	p, ok := k.pages[va>>k.cpu.PageShift()]
	p.EA = va
	return p, ok
}

// translate makes an access: the TLB, the handlers when it has no entry or one
// that does not do, then the page fault handler, and again.
func (k *softKernel) translate(ea uint64, a pte.Access, size uint) (ra uint64, ok bool) {
	va := k.va(ea)
	for k.err == nil {
		r := k.cpu.Translate(a, va)
		if r.OK() {
			ra = r.PA>>k.scale() | ea%pageBytes
			if !k.c.ram.holds(ra, size) {
				k.fail("no memory, or unaligned", ea)
			}
			return ra, k.err == nil
		}
		k.misses++
		switch f := k.cpu.Handle(r.Fault, a, va); f {
		case tlb.NoFault:
		case tlb.TLBMiss:
			k.misses--
			k.fault(ea, a)
		default:
			k.fail(f.String(), ea)
		}
	}
	return 0, false
}

// fault is the page fault handler: it gives out a page, or lets one be stored to
// that was locked.
func (k *softKernel) fault(ea uint64, a pte.Access) {
	k.faults++
	p, mapped := k.pages[ea/pageBytes]
	switch {
	case mapped && a == pte.Write && p.Prot&pte.Exec == 0:
		k.locked++
		p.Prot |= pte.Write
	case mapped:
		k.fail("not permitted", ea)
		return
	default:
		p, mapped = k.newPage(ea)
		if !mapped {
			k.fail("nothing is mapped", ea)
			return
		}
	}
	k.pages[ea/pageBytes] = p
	for _, f := range [...]tlb.Fault{k.cpu.Changed(k.va(ea)), k.cpu.Update(k.va(ea))} {
		if f != tlb.NoFault {
			k.fail(f.String(), ea)
		}
	}
}

// newPage is what belongs at an address.
func (k *softKernel) newPage(ea uint64) (tlb.Page, bool) {
	p := tlb.Page{Shift: k.cpu.PageShift(), User: true, Prot: pte.Read | pte.Write}
	var ra uint64
	switch {
	case ea >= textBase && ea < textBase+uint64(len(guest))-userImage:
		ra, p.Prot = userImage+(ea-textBase)/pageBytes*pageBytes, pte.Read|pte.Exec
	case ea/pageBytes == commonBase/pageBytes:
		ra = sharedCount
	case ea >= dataBase && ea < dataEnd, ea >= stackBase && ea < stackEnd:
		ra = framesBase + k.number*framesEach + k.frames*pageBytes
		k.frames++
	default:
		return p, false
	}
	p.PA = ra << k.scale()
	return p, true
}

// interrupt is every other interrupt: a system call, or a mistake of the program.
func (k *softKernel) interrupt(vector uint64) {
	if vector != vectorSyscall {
		k.fail(fmt.Sprintf("interrupt %#x", vector), k.c.pc)
		return
	}
	k.calls++
	arg := k.c.gpr[3]
	switch k.c.gpr[0] {
	case sysPrint:
		k.print(arg)
	case sysNumber:
		k.c.console = fmt.Append(k.c.console, arg)
	case sysDrop:
		delete(k.pages, arg/pageBytes)
		k.flush(arg)
	case sysLock:
		p := k.pages[arg/pageBytes]
		p.Prot &^= pte.Write
		k.pages[arg/pageBytes] = p
		k.flush(arg)
	case sysExit:
		k.c.console = fmt.Appendf(k.c.console, "  kernel: TLB misses %d, page faults %d, system calls %d, stores to locked pages %d\n",
			k.misses, k.faults, k.calls, k.locked)
		k.c.stopped = true
	}
}

// flush removes a page from the TLB, and from the TSB where there is one.
func (k *softKernel) flush(ea uint64) {
	k.cpu.FlushShared(k.va(ea))
	if f := k.cpu.FlushPage(k.va(ea)); f != tlb.NoFault {
		k.fail(f.String(), ea)
	}
}

// print puts the text of the program at ea on the console.
func (k *softKernel) print(ea uint64) {
	for ; ; ea++ {
		ra, ok := k.translate(ea, pte.Read, 1)
		if !ok {
			return
		}
		b := byte(k.c.ram.load(ra, 1))
		if b == 0 {
			return
		}
		k.c.console = append(k.c.console, b)
	}
}

// fail stops the vCPU.
func (k *softKernel) fail(why string, ea uint64) {
	if k.err == nil {
		k.err = fmt.Errorf("vCPU %d: %s at %#x", k.number, why, ea)
	}
	k.c.stopped = true
}
