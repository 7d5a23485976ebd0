package apono

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
)

// fetcher runs the requests of one iteration: each when its result is asked
// for, or with ahead at once, in a goroutine that drop waits for. The caller's
// middleware, limiter, token source and logger run there too: where they panic or
// end their goroutine, the caller's does so.
type fetcher[P any] struct {
	op       *operation.Operation
	parent   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	ahead    bool
	running  sync.WaitGroup
	unwanted []*fetched[P] // of which nobody has asked for the result yet
}

// fetched is what a request came to.
type fetched[P any] struct {
	value    P
	err      error
	returned bool // neither a panic nor the end of the goroutine
	panicked any
}

// get runs a request.
func (r *fetched[P]) get(ctx context.Context, get func(context.Context) (P, error)) {
	defer func() {
		if !r.returned {
			r.panicked = recover() // nil where runtime.Goexit was called
		}
	}()
	r.value, r.err = get(ctx)
	r.returned = true
}

// rethrow ends the caller's goroutine as the request ended its own.
func (r *fetched[P]) rethrow() {
	switch {
	case r.panicked != nil:
		panic(r.panicked)
	case !r.returned:
		runtime.Goexit()
	}
}

func newFetcher[P any](ctx context.Context, op *operation.Operation, ahead bool) *fetcher[P] {
	return &fetcher[P]{op: op, parent: ctx, ahead: ahead && ctx != nil}
}

func (f *fetcher[P]) fetch(get func(context.Context) (P, error)) (result func() (P, error)) {
	if !f.ahead {
		return func() (P, error) { return get(f.parent) }
	}
	if f.ctx == nil {
		f.ctx, f.cancel = context.WithCancelCause(f.parent)
	}
	ctx, r, done := f.ctx, new(fetched[P]), make(chan struct{})
	f.unwanted = append(f.unwanted, r)
	f.running.Go(func() {
		defer close(done)
		r.get(ctx, get)
	})
	runtime.Gosched() // lets the request go out before the caller is busy again
	return func() (P, error) {
		<-done
		f.unwanted = slices.DeleteFunc(f.unwanted, func(other *fetched[P]) bool { return other == r })
		r.rethrow()
		value, err := r.value, r.err
		// What came before the context ended would have been asked for after it
		// without reading ahead.
		if err == nil && f.parent.Err() != nil {
			err = newTransportError(f.op, transport.ContextErr(f.parent))
		}
		return value, err
	}
}

// drop cancels the requests that are under way and waits for their end. A panic
// in one of them is no less a panic because its result is not wanted any more.
func (f *fetcher[P]) drop() {
	if f.ctx == nil {
		return
	}
	f.cancel(transport.ErrAbandoned)
	f.running.Wait()
	unwanted := f.unwanted
	f.ctx, f.unwanted = nil, nil
	for _, r := range unwanted {
		r.rethrow()
	}
}

// offsetWindow holds the pages of a list by offset that are on their way, the
// next one first.
type offsetWindow[T any] struct {
	*fetcher[*OffsetPage[T]]
	get     func(ctx context.Context, skip int) (*OffsetPage[T], error)
	ahead   int
	pending []pendingPage[T]
}

type pendingPage[T any] struct {
	skip   int
	result func() (*OffsetPage[T], error)
}

// page returns the page at an offset. Pages on their way to another offset were
// a wrong guess; their results are dropped.
func (w *offsetWindow[T]) page(at int) (*OffsetPage[T], error) {
	if len(w.pending) > 0 && w.pending[0].skip != at {
		w.drop()
		w.pending = nil
	}
	if len(w.pending) == 0 {
		w.request(at)
	}
	next := w.pending[0]
	w.pending = w.pending[1:]
	return next.result()
}

// readAhead requests the pages from an offset, as many as may be under way,
// on the guess that they are as long as the last one.
func (w *offsetWindow[T]) readAhead(at, size, total int) {
	if n := len(w.pending); n > 0 {
		at = w.pending[n-1].skip + size
	}
	for ; size > 0 && at < total && len(w.pending) < w.ahead; at += size {
		w.request(at)
	}
}

func (w *offsetWindow[T]) request(skip int) {
	result := w.fetch(func(ctx context.Context) (*OffsetPage[T], error) { return w.get(ctx, skip) })
	w.pending = append(w.pending, pendingPage[T]{skip: skip, result: result})
}
