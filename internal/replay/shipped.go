package replay

import _ "embed"

// Shipped is a recorded trace, gzip'ed: the first 155000 records of a Linux 6.1
// boot on a pseries POWER9, from the empty table on.
//
//go:embed testdata/ps9.trc.gz
var Shipped []byte
