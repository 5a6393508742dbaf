package hashvec

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// hex is a number that JSON holds as "0x..." or as a bare decimal.
type hex uint64

// UnmarshalJSON reads either form.
func (h *hex) UnmarshalJSON(b []byte) error {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	v, err := strconv.ParseUint(string(b), 0, 64)
	*h = hex(v)
	return err
}

// entry is [slot, V, R] of a table, or [slot, ESID word, VSID word] of an SLB.
type entry [3]hex

// decode reads a line of JSON into v.
func decode(line []byte, v any) error {
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("%w: %.60s", err, line)
	}
	return nil
}
