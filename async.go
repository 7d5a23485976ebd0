package apono

import "runtime"

// async runs a function in another goroutine. ended is closed when the function ends.
// After that, rethrow panics or ends the goroutine of the caller if the function did.
func async(f func()) (ended <-chan struct{}, rethrow func()) {
	done := make(chan struct{})
	var panicked any
	returned := false
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		f()
		returned = true
	}()
	return done, func() {
		switch {
		case panicked != nil:
			panic(panicked)
		case !returned:
			runtime.Goexit()
		}
	}
}
