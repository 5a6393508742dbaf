package mmu

import (
	"fmt"
	"strings"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Explanation says how an access was decided, step by step, for a person who
// debugs a guest.
type Explanation struct {
	EA     pte.EA
	Access pte.Access
	Steps  []string
	Result Result
}

// String gives the steps, one a line, and the result.
func (e Explanation) String() string {
	return fmt.Sprintf("%v %v\n  %s\n= %v", e.EA, e.Access, strings.Join(e.Steps, "\n  "), e.Result)
}

// Explain tells which rule decides an access. Like Probe it changes nothing,
// whatever the quirks, and it does not look into the software TLB. It allocates.
func (c *CPU) Explain(ea pte.EA, acc pte.Access) Explanation {
	m := c.mode(acc)
	x := explainer{c: c, m: m, ea: uint64(ea), acc: acc}
	x.context()
	if m.addressing <= addrVRMA {
		if s := x.segment(); s != nil {
			x.table(s)
		}
	}
	e := Explanation{EA: ea, Access: acc, Steps: x.steps}
	c.walk(&e.Result, m, uint64(ea), acc, false)
	return e
}

type explainer struct {
	c     *CPU
	m     *mode
	ea    uint64
	acc   pte.Access
	steps []string
}

func (x *explainer) say(format string, args ...any) {
	x.steps = append(x.steps, fmt.Sprintf(format, args...))
}

var addressingNames = [...]string{
	addrSegments:   "translation on: segments of the SLB",
	addrVRMA:       "translation off in a partition: the virtual real mode area",
	addrIdentity:   "translation off, paravirtual: the address with its top 4 bits cleared",
	addrHypervisor: "translation off in the hypervisor: HRMOR is ORed in unless bit 63 is set",
	addrOffset:     "translation off in a partition: below the limit of LPCR[RMLS], RMOR is ORed in",
	addrBadVRMA:    "translation off in a partition: the VRMA's page size is none",
}

func (x *explainer) context() {
	kind := "data access"
	if x.m.fetch {
		kind = "fetch"
	}
	r := &x.c.regs
	x.say("%s, MSR HV=%d PR=%d: %s", kind, bit(r.MSR, MSRHV), bit(r.MSR, MSRPR), addressingNames[x.m.addressing])
	if x.m.addressing == addrOffset {
		x.say("limit %#x, RMOR %#x", x.m.limit, r.RMOR)
	}
	if x.m.virtual {
		x.say("LPCR: storage interrupts go to the hypervisor")
	}
}

// segment tells which segment is used; nil when none is.
func (x *explainer) segment() *segment {
	if x.m.addressing == addrVRMA {
		x.describe("VRMA", &x.m.vrma)
		return &x.m.vrma
	}
	b := &x.c.slb
	n := 0
	for i := range b.dense[:b.n] {
		if s := &b.dense[i]; x.ea&s.mask == s.esid {
			x.describe(fmt.Sprintf("SLB slot %d", b.slot[i]), s)
			n++
		}
	}
	s, found, status := x.c.findSegment(x.m, x.ea, false)
	switch {
	case found > 1:
		x.say("several SLB entries match: machine check")
		return nil
	case n > 1:
		x.say("several SLB entries match: the lowest slot is used")
	case s != nil && n == 0:
		x.describe("segment table", s)
	case status != 0:
		x.say("the segment table cannot be read: status %#x", status)
	case s == nil:
		x.say("no SLB entry matches: segment interrupt")
	}
	return s
}

func (x *explainer) describe(where string, s *segment) {
	x.say("%s: %v segment, VSID %v, base page %v, Ks=%d Kp=%d N=%d", where, s.seg, s.vsid(), s.base,
		bit(s.word, slbKs), bit(s.word, slbKp), bit(s.word, slbN))
}

// table tells about the search and what it found.
func (x *explainer) table(s *segment) {
	t := x.m.part.table
	switch {
	case x.m.fetch && s.word&slbN != 0:
		x.say("N of the segment forbids fetches; the table is not searched")
		return
	case x.m.part.radix:
		x.say("the partition table entry is one of radix translation")
		return
	case t == nil:
		x.say("no table is in force")
		return
	}
	base := x.m.base(s)
	if base != s.base {
		x.say("LPCR[ISL]: searched as a segment of 4K pages")
	}
	k := s.key(x.ea, base)
	x.say("VPN %v, hash %#x: primary group %#x, secondary group %#x of %d",
		k.VPN(), uint64(k.Hash()), k.Hash().Primary(t.Mask()), k.Hash().Secondary(t.Mask()), t.Groups())
	x.group(s, base, k.Hash().Primary(t.Mask()), false)
	if x.m.primary {
		x.say("LPCR[TC]: the secondary group is not searched")
	} else {
		x.group(s, base, k.Hash().Secondary(t.Mask()), true)
	}
	var r Result
	f, ok := x.c.search(&r, x.m, s.target(x.ea, base), base)
	if !ok {
		x.say("no entry translates the page")
		return
	}
	x.rights(s, f, &r)
}

// group tells about the entries of a group whose V matches.
func (x *explainer) group(s *segment, base pte.PageSize, group uint64, secondary bool) {
	want := s.avpn | s.offset(x.ea, base)>>16&^0x7f | pte.VValid
	name := "primary"
	if secondary {
		want, name = want|pte.VSecondary, "secondary"
	}
	t := x.m.part.table
	for i := range pte.Slot(pte.SlotsPerGroup) {
		slot := pte.Slot(group*pte.SlotsPerGroup) + i
		h := t.Load(slot)
		if (h.V^want)&pte.VMatch != 0 {
			continue
		}
		if actual, ok := x.c.sizes.Actual(base, h); ok {
			x.say("slot %d (%s): %v page at %v", slot, name, actual, h.RA(actual))
		} else {
			x.say("slot %d (%s): matches, but L and LP are no page size of a %v segment", slot, name, base)
		}
	}
	if t.Format() == hpt.Format3 && want&(1<<62-1)>>52 != 0 {
		x.say("VSID too large for entries of format 3: nothing can match")
	}
}

// rights tells what the entry grants, and what the access would set.
func (x *explainer) rights(s *segment, f hit, found *Result) {
	a := f.h.Attr()
	granted, keys := x.m.permits(s, f.h), x.c.keyRights(x.m, keyOf(f.h))
	name := "Ks"
	if x.m.keyBit == slbKp {
		name = "Kp"
	}
	x.say("slot %d: PP=%d under %s=%d, N=%d G=%d grants %v", f.slot, a.PP, name, bit(s.word, x.m.keyBit),
		bit(f.h.R, pte.RN), bit(f.h.R, guarded), granted)
	switch {
	case !x.m.keys:
		x.say("keys do not apply to the VRMA")
	case keys != realGrant:
		x.say("key %d: AMR and IAMR leave %v", a.Key, keys)
	}
	if found.Dup != NoDuplicate {
		x.say("slot %d translates the page too: %v duplicate", found.Other, found.Dup)
	}
	status := denial(granted, keys, f.h, x.acc)
	if status == 0 {
		x.say("granted; R was %d, C was %d", bit(f.h.R, pte.RRef), bit(f.h.R, pte.RChg))
		return
	}
	x.say("denied: status %#x", status)
	if x.m.kbv && status&StatusKey != 0 {
		x.say("LPCR[KBV]: key faults go to the hypervisor")
	}
}

// bit is 1 when v has any bit of mask.
func bit(v, mask uint64) int {
	if v&mask != 0 {
		return 1
	}
	return 0
}
