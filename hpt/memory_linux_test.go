//go:build linux && !race

package hpt

import (
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hashmmu/ppc64/pte"
)

// resident counts the bytes of the table that are in memory.
func resident(t *testing.T, table *Table) (n int) {
	base := unsafe.Pointer(unsafe.SliceData(table.slots))
	length := len(table.slots) * slotBytes
	pages := make([]byte, length/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(base), uintptr(length), uintptr(unsafe.Pointer(&pages[0])))
	if errno != 0 {
		t.Skip("mincore: ", errno)
	}
	for _, p := range pages {
		n += int(p&1) * os.Getpagesize()
	}
	return n
}

// TestResidentAsTouched: memory of a table is there once it is touched, in units
// of at most a huge page, and is given back by Close.
func TestResidentAsTouched(t *testing.T) {
	table, err := New(Config{Order: 26})
	require.NoError(t, err)
	require.Zero(t, uintptr(unsafe.Pointer(&table.slots[0]))%hugePage)
	require.Zero(t, resident(t, table))
	table.StoreRaw(0, pte.HPTE{V: pte.VValid})
	n := resident(t, table)
	require.Positive(t, n)
	require.LessOrEqual(t, n, hugePage)
	require.NoError(t, table.Close())
	require.Zero(t, resident(t, table))
	require.Zero(t, table.Load(0))
}
