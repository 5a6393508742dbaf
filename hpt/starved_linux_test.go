//go:build !race

package hpt_test

import (
	"bufio"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/starve"
	"github.com/hashmmu/ppc64/pte"
)

// slack is what a starved process may map: enough for the Go heap, and not for a
// table of order 30.
const slack = 256 << 20

// TestNewWithoutMemory: where the host maps no table of that size there is a typed
// error with the cause, nothing of it stays mapped, and a smaller table works.
func TestNewWithoutMemory(t *testing.T) {
	if !starve.Process(t) {
		return
	}
	starve.LimitMemory(t, slack)
	refused := func(order int) {
		table, err := hpt.New(hpt.Config{Order: order})
		require.Nil(t, table)
		require.ErrorIs(t, err, hpt.ErrConfig)
		var e *hpt.ConfigError
		require.ErrorAs(t, err, &e)
		require.Equal(t, "Order", e.Field)
		require.EqualValues(t, order, e.Value)
		if order < 32 || runtime.GOARCH != "386" && runtime.GOARCH != "arm" {
			require.ErrorIs(t, err, unix.ENOMEM)
		}
	}
	refused(30)
	before := starve.Mapped(t)
	for range 300 {
		for _, order := range []int{30, 34, hpt.MaxOrder} {
			refused(order)
		}
	}
	require.Less(t, starve.Mapped(t), before+slack/2, "900 failures leave next to nothing")

	table, err := hpt.New(hpt.Config{Order: 22})
	require.NoError(t, err)
	fillTable(t, table)
	require.NoError(t, table.Close())
}

// TestCloseMakesRoom: what unreachable tables had can be had again.
func TestCloseMakesRoom(t *testing.T) {
	if !starve.Process(t) {
		return
	}
	starve.LimitMemory(t, slack)
	for i := range 20 { // five times what there is
		table, err := hpt.New(hpt.Config{Order: 26})
		for n := 0; err != nil && n < 1000; n++ {
			require.ErrorIs(t, err, unix.ENOMEM)
			runtime.GC() // cleanups run after it, on a goroutine of their own
			runtime.Gosched()
			table, err = hpt.New(hpt.Config{Order: 26})
		}
		require.NoError(t, err, "table %d", i)
		table.StoreRaw(pte.Slot(i), pte.HPTE{V: pte.VValid})
		require.NoError(t, table.Close())
	}
}

// TestWithoutHugePages: a table in ordinary pages is the same table.
func TestWithoutHugePages(t *testing.T) {
	if !starve.Process(t) {
		return
	}
	starve.NoHugePages(t)
	table, err := hpt.New(hpt.Config{Order: 23})
	require.NoError(t, err)
	fillTable(t, table)
	require.Zero(t, hugeKB(t))

	heap, err := hpt.New(hpt.Config{Order: 23, Memory: hpt.AlignedBytes(1 << 23)})
	require.NoError(t, err)
	fillTable(t, heap)
	require.Equal(t, heap.Digest(), table.Digest())
}

// hugeKB is how much of the process is in huge pages.
func hugeKB(t *testing.T) (kb string) {
	f, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "AnonHugePages:" {
			return strings.TrimPrefix(fields[1], "0")
		}
	}
	t.Skip("the host does not tell")
	return ""
}

// TestMemoryUnmappedByCaller: a table in memory that the caller maps can be closed
// before and after the caller unmaps it; Close does not touch it.
func TestMemoryUnmappedByCaller(t *testing.T) {
	ram, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	table, err := hpt.New(hpt.Config{Order: 20, Memory: ram})
	require.NoError(t, err)
	fillTable(t, table)
	digest := table.Digest()
	require.NoError(t, table.Close())
	require.Equal(t, digest, table.Digest())
	require.NoError(t, unix.Munmap(ram))
	require.NoError(t, table.Close())
	runtime.GC()
}
