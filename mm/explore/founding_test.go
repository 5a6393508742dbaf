package explore

import (
	"errors"
	"fmt"
)

// A toy of the founding problem, for tests and benchmarks of the engine: one page, a Linux PTE with BUSY and HASHPTE
// bits, a PTE lock, an address-space lock, a hash table of two groups of two slots, and a batch per CPU that is
// flushed when the policy says.

type toyPolicy int

const (
	atFinish toyPolicy = iota
	beforeUnlock
)

const (
	present = 1 << iota
	writable
	busy
	hashed
)

const toySlots = 4

type toyMM struct {
	policy toyPolicy
	pte    int
	hint   int
	slots  [toySlots]int // 0 free, 1 read-only entry, 2 writable entry
	batch  [MaxCPUs]struct {
		full bool
		slot int
	}

	ptl, sem         Loc
	pteLoc, slotsLoc Loc
	valid            Loc
	isFree           func() bool
}

func newToyMM(policy toyPolicy) *toyMM {
	m := &toyMM{policy: policy}
	m.isFree = func() bool { return m.pte&busy == 0 }
	return m
}

// start is a mapped, hashed, read-only page.
func (m *toyMM) start() {
	m.pte, m.hint = present|hashed, 0
	m.slots = [toySlots]int{1}
	for i := range m.batch {
		m.batch[i].full = false
	}
}

func (m *toyMM) register(w *World) {
	m.start()
	m.sem, m.ptl = w.RWMutex("mmap_sem"), w.Mutex("ptl")
	m.pteLoc = w.Var("pte", func() uint64 { return uint64(m.pte) | uint64(m.hint)<<8 })
	m.slotsLoc = w.Array("hpte", toySlots, func(i int) uint64 { return uint64(m.slots[i]) })
	m.valid = w.Monitor("valid entries")
	w.Always("duplicate HPTE", m.unique, m.valid)
	w.Reset(m.start)
	w.Snapshot(m.picture)
}

func (m *toyMM) unique() error {
	n := 0
	for _, s := range m.slots {
		if s != 0 {
			n++
		}
	}
	if n > 1 {
		return errors.New("two valid entries match the page")
	}
	return nil
}

func (m *toyMM) picture() []Panel {
	var panels []Panel
	for g := range 2 {
		p := Panel{Title: []string{"PTEG 0 (primary)", "PTEG 1 (secondary)"}[g]}
		for i := range 2 {
			c := Cell{Label: fmt.Sprint("slot ", i), Text: "free", Mark: Dim}
			if e := m.slots[2*g+i]; e != 0 {
				c.Text, c.Mark = []string{"", "va r-", "va rw"}[e], Live
				if m.unique() != nil {
					c.Mark = Alarm
				}
			}
			p.Cells = append(p.Cells, c)
		}
		panels = append(panels, p)
	}
	pte := Cell{Text: "none", Mark: Dim}
	if m.pte != 0 {
		pte = Cell{Text: fmt.Sprintf("%#x", m.pte), Mark: Live}
	}
	return append(panels, Panel{Title: "Linux PTE", Cells: []Cell{pte}})
}

func (m *toyMM) zap(c *CPU) {
	c.Step("pte_offset_map_lock", Lock(m.ptl))
	c.Await("pte_clear", m.pteLoc, m.isFree, Update(m.pteLoc))
	old := m.pte
	m.pte = 0
	if old&hashed != 0 {
		m.batch[c.ID()].full, m.batch[c.ID()].slot = true, m.hint
		c.Note("batch_add")
	}
	if m.policy == beforeUnlock {
		m.flush(c)
	}
	c.Step("pte_unmap_unlock", Unlock(m.ptl))
	m.flush(c)
}

func (m *toyMM) flush(c *CPU) {
	b := &m.batch[c.ID()]
	if !b.full {
		return
	}
	b.full = false
	l := m.slotsLoc.At(b.slot)
	c.Step("hpte_invalidate", Update(l), Write(m.valid))
	m.slots[b.slot] = 0
}

// fault makes the page present, as a minor fault would, and hashes it.
func (m *toyMM) fault(c *CPU, write bool) {
	if m.hash(c, write) {
		return
	}
	c.Step("down_read", RLock(m.sem))
	c.Step("pte_offset_map_lock", Lock(m.ptl))
	c.Step("pte_read", Read(m.pteLoc))
	want := present
	if write {
		want |= writable
	}
	if m.pte&want != want {
		c.Await("set_pte_at", m.pteLoc, m.isFree, Update(m.pteLoc))
		m.pte = m.pte&hashed | want
	}
	m.hash(c, write)
	c.Step("pte_unmap_unlock", Unlock(m.ptl))
	c.Step("up_read", RUnlock(m.sem))
}

// hash is hash_page: it enters the PTE in the table, or tells that Linux has to do something first.
func (m *toyMM) hash(c *CPU, write bool) bool {
	c.Await("pte_set_busy", m.pteLoc, m.isFree, Update(m.pteLoc))
	if m.pte&present == 0 || write && m.pte&writable == 0 {
		c.Note("miss")
		return false
	}
	m.pte |= busy
	entry, slot := 1+m.pte&writable>>1, m.hint
	if m.pte&hashed != 0 {
		c.Step("hpte_updatepp", Update(m.slotsLoc.At(m.hint)))
		if m.slots[m.hint] != 0 {
			m.slots[m.hint] = entry
		}
	} else {
		c.Step("hpte_insert", Write(m.valid))
		for i := range m.slots {
			c.Touch(Update(m.slotsLoc.At(i)))
			if m.slots[i] == 0 {
				m.slots[i], slot = entry, i
				break
			}
		}
	}
	c.Step("pte_clear_busy", Write(m.pteLoc))
	m.pte, m.hint = m.pte&^busy|hashed, slot
	return true
}

// toyScenario is a set of operations, one per CPU: z zap, r read fault, w write fault.
func toyScenario(policy toyPolicy, cpus ...string) Scenario {
	ops := 0
	for _, c := range cpus {
		ops += len(c)
	}
	return Scenario{Name: fmt.Sprint("toy ", policy, cpus), Operations: ops, Pages: 1, Build: func(w *World) {
		m := newToyMM(policy)
		m.register(w)
		for _, todo := range cpus {
			w.CPU(todo, func(c *CPU) {
				for _, op := range todo {
					switch op {
					case 'z':
						m.zap(c)
					case 'r', 'w':
						m.fault(c, op == 'w')
					}
				}
			})
		}
	}}
}
