package pte

// Attr is what an entry says besides which page it maps where: protection,
// storage control, and what happened to the page.
type Attr struct {
	PP     uint8 // PPP: bit 2 is PP0, bits 1:0 are PP; 0 to 7
	Key    uint8 // virtual page class key, 0 to 31
	WIMG   uint8 // W 8, I 4, M 2, G 1
	NoExec bool  // N
	Ref    bool  // R
	Chg    bool  // C
	Bolted bool  // software: never evicted
}

// Protection values that Linux uses, for Ks=0, Kp=1 (ISA Book III, Storage
// Protection). Supervisor means the key bit in force is 0.
const (
	PPSupervisorRW = 0 // supervisor read and write, user none
	PPUserRead     = 1 // supervisor read and write, user read
	PPUserRW       = 2 // everyone reads and writes
	PPRead         = 3 // everyone reads
	PPSupervisorR  = 6 // supervisor reads, user none
)

// Memory is the WIMG value of ordinary storage: coherent.
const Memory = 2

// rBits gives the R doubleword without RPN and LP.
func (a Attr) rBits() uint64 {
	r := uint64(a.PP&4)<<61 | uint64(a.PP&3)
	r |= uint64(a.Key>>3&3)<<60 | uint64(a.Key&7)<<9
	r |= uint64(a.WIMG&0xf) << 3
	if a.NoExec {
		r |= RN
	}
	if a.Ref {
		r |= RRef
	}
	if a.Chg {
		r |= RChg
	}
	return r
}

// Attr returns what the entry says besides its addresses.
func (h HPTE) Attr() Attr {
	return Attr{
		PP:     uint8(h.R>>61&4 | h.R&RPP),
		Key:    uint8(h.R>>60&3<<3 | h.R>>9&7),
		WIMG:   uint8(h.R & RWIMG >> 3),
		NoExec: h.R&RN != 0,
		Ref:    h.R&RRef != 0,
		Chg:    h.R&RChg != 0,
		Bolted: h.Bolted(),
	}
}

// WithAttr returns the entry with protection, key, WIMG, R, C and the bolted
// mark of a, and its addresses unchanged.
func (h HPTE) WithAttr(a Attr) HPTE {
	h.R = h.R&^(RPP0|RKeyHi|RKeyLo|RRef|RChg|RWIMG|RN|RPP) | a.rBits()
	h.V &^= VBolted
	if a.Bolted {
		h.V |= VBolted
	}
	return h
}

// Permits is the access that the protection bits grant under key bit k, the
// Ks or Kp in force (ISA Book III, Storage Protection): false for supervisor
// access to Linux's kernel segments. N and G take execute away. The PP values
// 4, 5 and 7 are reserved and grant nothing.
func (h HPTE) Permits(k bool) Access {
	pp := h.R>>61&4 | h.R&RPP
	a := ppAccess[k2i(k)][pp]
	if a != 0 && h.R&(RN|0x08) == 0 {
		a |= Exec
	}
	return a
}

var ppAccess = [2][8]Access{
	{PPSupervisorRW: Read | Write, PPUserRead: Read | Write, PPUserRW: Read | Write, PPRead: Read, PPSupervisorR: Read},
	{PPUserRead: Read, PPUserRW: Read | Write, PPRead: Read},
}

func k2i(k bool) int {
	if k {
		return 1
	}
	return 0
}
