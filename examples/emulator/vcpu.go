package main

import (
	"fmt"
	"runtime"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// Bits of MSR that this machine knows besides those of package mmu.
const (
	msrSF = 1 << 63 // 64-bit mode
	msrME = 1 << 12
)

// Interrupt vectors.
const (
	vectorReset    = 0x100
	vectorDSI      = 0x300
	vectorDSEG     = 0x380
	vectorISI      = 0x400
	vectorISEG     = 0x480
	vectorAlign    = 0x600
	vectorProgram  = 0x700
	vectorSyscall  = 0xc00
	programIllegal = 1 << 19 // SRR1
	programPriv    = 1 << 18
)

// Hypercalls of this machine besides those of package papr.
const (
	hPutTermChar papr.Op = 0x58
	hStopSelf    papr.Op = 0xf000
)

// vcpu is one virtual processor: registers, and the memory management unit.
type vcpu struct {
	gpr                         [32]uint64
	pc, msr, lr, ctr            uint64
	cr                          uint32
	ca                          bool // XER[CA]
	srr0, srr1, dar             uint64
	dsisr                       uint32
	sprg                        [4]uint64
	reserved, reservedAt, reval uint64 // ldarx: 1 if there is a reservation, where, what

	ram     ram
	mmu     *mmu.CPU // nil with a software-loaded TLB
	hpt     *papr.HPT
	soft    *softKernel // nil with a hash table
	console []byte
	stopped bool
	flushes []mmu.Flush
}

// newVCPU returns a processor at the reset vector. Each has hypercalls of its
// own over the shared table, so that a removal is flushed by the CPU that asked
// for it; the table is therefore never exchanged for another one.
func newVCPU(number uint64, m ram, cpu *mmu.CPU, hcalls papr.Config) (*vcpu, error) {
	c := &vcpu{ram: m, mmu: cpu, pc: vectorReset}
	hcalls.Sink, hcalls.NoResize = c, true
	var err error
	if c.hpt, err = papr.New(hcalls); err != nil {
		return nil, err
	}
	c.gpr[3] = number
	c.setMSR(msrSF | msrME)
	return c, nil
}

func (c *vcpu) setMSR(v uint64) {
	c.msr = v
	if c.mmu != nil {
		c.mmu.SetMSR(v)
	}
}

// Flush is the tlbie that a hypercall owes, made as the processor's own
// (papr.Sink): of a page, or of everything where no page has a name.
func (c *vcpu) Flush(f papr.Flush) {
	const everything = 3 << 10 // IS
	op := mmu.TLBIE{RB: everything}
	if f.Kind == papr.FlushPage {
		if rb, ok := mmu.EncodeTLBIE(c.hpt.Sizes(), f.Key, f.Actual); ok {
			op.RB = rb
		}
	}
	c.mmu.TLBIE(op)
	c.sync()
}

// drain takes in the invalidations of other processors. This machine caches
// nothing outside of the mmu; one that did would drop what is named here.
func (c *vcpu) drain() { c.flushes = c.mmu.Drain(c.flushes[:0]) }

// sync waits until every processor has dropped what this one invalidated
// (tlbsync, ptesync).
func (c *vcpu) sync() {
	if c.mmu == nil {
		return // one processor runs at a time
	}
	for c.drain(); !c.mmu.Synced(); c.drain() {
		runtime.Gosched()
	}
}

// run executes until the guest stops this processor, or for at most limit
// instructions.
func (c *vcpu) run(limit int) error {
	defer c.mmu.Close()
	for range limit {
		if c.mmu.Pending() {
			c.drain()
		}
		c.step()
		if c.stopped {
			return nil
		}
	}
	return fmt.Errorf("still running after %d instructions, at %#x", limit, c.pc)
}

// step executes one instruction.
func (c *vcpu) step() {
	if ra, ok := c.translate(c.pc, pte.Exec, 4); ok {
		c.execute(uint32(c.ram.load(ra, 4)))
	}
}

// translate returns the real address of an access, or raises the interrupt that
// it ends in.
func (c *vcpu) translate(ea uint64, a pte.Access, size uint) (ra uint64, ok bool) {
	if c.soft != nil {
		return c.soft.translate(ea, a, size)
	}
	r := c.mmu.Translate(pte.EA(ea), a)
	if r.OK() {
		if c.ram.holds(uint64(r.RA), size) {
			return uint64(r.RA), true
		}
		c.dar = ea
		c.interrupt(vectorAlign, 0)
		return 0, false
	}
	switch r.Fault {
	case mmu.DataStorage:
		c.dar, c.dsisr = uint64(r.DAR), r.Status
		c.interrupt(vectorDSI, 0)
	case mmu.DataSegment:
		c.dar = uint64(r.DAR)
		c.interrupt(vectorDSEG, 0)
	case mmu.InstStorage:
		c.interrupt(vectorISI, uint64(r.Status))
	default: // the profile and MSR leave no other
		c.interrupt(vectorISEG, 0)
	}
	return 0, false
}

// interrupt goes to a vector, in real mode.
func (c *vcpu) interrupt(vector, srr1 uint64) {
	if c.soft != nil {
		c.soft.interrupt(vector)
		return
	}
	c.srr0, c.srr1 = c.pc, c.msr|srr1
	c.setMSR(msrSF | msrME)
	c.pc = vector
	c.reserved = 0
}

// load and store access memory as instructions do; after a fault, which is then
// pending, ok is false.
func (c *vcpu) load(ea uint64, size uint) (v uint64, ok bool) {
	ra, ok := c.translate(ea, pte.Read, size)
	if !ok {
		return 0, false
	}
	return c.ram.load(ra, size), true
}

func (c *vcpu) store(ea uint64, size uint, v uint64) bool {
	ra, ok := c.translate(ea, pte.Write, size)
	if ok {
		c.ram.store(ra, size, v)
	}
	return ok
}

// hypercall serves sc 1: the number is in r3, arguments from r4 on.
func (c *vcpu) hypercall() {
	switch op := papr.Op(c.gpr[3]); op {
	case hPutTermChar:
		c.console = append(c.console, byte(c.gpr[6]>>56))
		c.gpr[3] = uint64(papr.Success)
	case hStopSelf:
		c.stopped = true
	default:
		args := papr.Args(c.gpr[4:13])
		code := c.hpt.Call(op, &args)
		copy(c.gpr[4:13], args[:])
		c.gpr[3] = uint64(code)
	}
}
