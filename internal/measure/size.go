package measure

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashmmu/ppc64/hpt"
)

// MaxOrder is log2 of the largest table that can be measured, in bytes.
const MaxOrder = 32

// ParseSizes reads a list of sizes with commas between them.
func ParseSizes(list string) (orders []int, err error) {
	for _, s := range strings.Split(list, ",") {
		order, err := ParseSize(s)
		if err != nil {
			return nil, err
		}
		orders = append(orders, order)
	}
	return orders, nil
}

// ParseSize reads a power of two of bytes, such as 256K, and returns its log2.
func ParseSize(s string) (order int, err error) {
	for i, unit := range "KMG" {
		digits, ok := strings.CutSuffix(s, string(unit))
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n == 0 || n&(n-1) != 0 {
			break
		}
		for order = 10 * (i + 1); n > 1; n >>= 1 {
			order++
		}
		if order >= hpt.MinOrder && order <= MaxOrder {
			return order, nil
		}
	}
	return 0, fmt.Errorf("-size %s: want a power of two from 256K to 4G", s)
}

// SizeName is the inverse of ParseSize.
func SizeName(order int) string {
	return strconv.Itoa(1<<(order%10)) + string("BKMG"[order/10])
}
