//go:build !goexperiment.jsonv2 || go1.27

package wire

import "errors"

// errSkip makes the decoder use its own way of reading a value.
var errSkip = errors.ErrUnsupported
