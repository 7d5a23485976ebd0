package aponotest

// maxRecord is the number of entries that a record keeps in a program that is not a test.
// Such a program may run for a long time.
const maxRecord = 10_000

// record holds what a server received or sent, in order.
type record[T any] struct {
	entries []T
	count   int // including entries that are no longer kept
}

// add adds an entry. If keepAll is not set, only the last maxRecord entries are kept.
func (r *record[T]) add(entry T, keepAll bool) {
	r.count++
	r.entries = append(r.entries, entry)
	if !keepAll && len(r.entries) > maxRecord {
		var none T
		r.entries[0] = none // may hold a large body
		r.entries = r.entries[1:]
	}
}
