package tlb

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Snapshots (MarshalBinary, UnmarshalBinary) are big-endian:
//
//	"TLB" and the Family        4 bytes
//	version, now 1              4 bytes
//	shape: the geometry that must agree, 4 bytes each
//	registers and replacement state, 4 or 8 bytes each, in the order of visit
//	entries, in the order that Entry counts them
//	xxhash of all that          8 bytes
//
// An e500 entry is a struct kvm_book3e_206_tlb_entry (MAS8, MAS1, MAS2,
// MAS7:MAS3; 24 bytes) and the entries are in the order of KVM_CAP_SW_TLB: first
// TLB0, then TLB1; by set, then by way. A 4xx entry is words 0 to 2 and TID
// (16 bytes); a 603 entry EPN, CMP and RPA (12 bytes), data TLB first; those of
// MIPS and SPARC are with their MarshalBinary. Guest memory, reports and the
// profile are not part of a snapshot: it is loaded into an MMU of the same shape.
const snapshotVersion = 1

// ErrSnapshot is what a bad snapshot is reported as; see SnapshotError.
var ErrSnapshot = errors.New("tlb: bad snapshot")

// SnapshotError says why a snapshot was refused. The MMU is unchanged then.
// errors.Is(err, ErrSnapshot) holds for it.
type SnapshotError struct {
	Field     string
	Offset    int // of the field, in bytes
	Got, Want uint64
}

func (e *SnapshotError) Error() string {
	return fmt.Sprintf("tlb: snapshot: %s at byte %d is %#x, want %#x", e.Field, e.Offset, e.Got, e.Want)
}

func (e *SnapshotError) Unwrap() error { return ErrSnapshot }

// wrongLength says that b is shorter or longer than it should be.
func wrongLength(b []byte, want int) error {
	return &SnapshotError{"length", min(len(b), want), uint64(len(b)), uint64(want)}
}

// codec writes or reads the words of a snapshot, so that one description of
// the state serves both ways.
type codec struct {
	buf     []byte
	at      int
	reading bool
}

func (c *codec) u32(p *uint32) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint32(c.buf, *p)
		return
	}
	*p = binary.BigEndian.Uint32(c.buf[c.at:])
	c.at += 4
}

func (c *codec) u64(p *uint64) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint64(c.buf, *p)
		return
	}
	*p = binary.BigEndian.Uint64(c.buf[c.at:])
	c.at += 8
}

func (c *codec) flag(p *bool) {
	var v uint32
	if *p {
		v = 1
	}
	c.u32(&v)
	*p = v != 0
}

// number is a way, an index or the like, below n; a larger one is reduced.
func (c *codec) number(p *uint8, n int) {
	v := uint32(*p)
	c.u32(&v)
	*p = uint8(v % uint32(n))
}

// snapshotted is an MMU that can be put into a snapshot.
type snapshotted interface {
	Profile() Profile
	shape() []uint32
	visit(c *codec)
}

func marshal(m snapshotted) []byte {
	c := &codec{buf: []byte{'T', 'L', 'B', byte(m.Profile().Family)}}
	version := uint32(snapshotVersion)
	c.u32(&version)
	for _, n := range m.shape() {
		c.u32(&n)
	}
	m.visit(c)
	return binary.BigEndian.AppendUint64(c.buf, xxhash.Sum64(c.buf))
}

// unmarshal checks everything before it changes m.
func unmarshal(m snapshotted, b []byte) error {
	want := marshal(m)
	if len(b) != len(want) {
		return wrongLength(b, len(want))
	}
	body, seal := b[:len(b)-8], binary.BigEndian.Uint64(b[len(b)-8:])
	if sum := xxhash.Sum64(body); sum != seal {
		return &SnapshotError{"seal", len(body), seal, sum}
	}
	header := 8 + 4*len(m.shape())
	for at := 0; at < header; at += 4 {
		field := "shape"
		if at < 8 {
			field = [...]string{"family", "version"}[at/4]
		}
		got, want := binary.BigEndian.Uint32(b[at:]), binary.BigEndian.Uint32(want[at:])
		if got != want {
			return &SnapshotError{field, at, uint64(got), uint64(want)}
		}
	}
	m.visit(&codec{buf: body, at: header, reading: true})
	return nil
}
