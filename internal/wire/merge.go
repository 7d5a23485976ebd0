package wire

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Merge puts the members that the sender does not know back into a body.
//
// read is the JSON that an object was read as, and readType the type that it
// was decoded into: members of read that readType has no field for are the
// unknown ones. pristine is the body that follows from read without any edit,
// and now is the body after the caller's edits. Unknown members return at top
// level, in nested objects that the body still has, and in those array elements
// that are in now as they were in pristine, wherever they stand. A member of a
// union gives way to the one that the caller chose in its place.
func Merge(now, pristine, read []byte, readType reflect.Type, isUnion func(reflect.Type) bool) ([]byte, error) {
	var trees [3]any
	for i, data := range [][]byte{now, pristine, read} {
		if err := Unmarshal(data, &trees[i]); err != nil {
			return nil, err
		}
	}
	merger{isUnion}.merge(trees[0], trees[1], trees[2], readType, true)
	if hasMark(trees[0]) {
		return nil, errors.New("it holds a part of another object, of a kind that this version does not know")
	}
	return Marshal(trees[0])
}

// mark is the member that stands for what this version does not know in an
// element of an array that has nothing else.
const mark = "\x00place"

// Marked is the JSON of an element of an array of which this version knows
// nothing, given its place in the array as it was read, so that such elements
// can be told apart. Merge puts the element itself in its place.
func Marked(place int) []byte { return fmt.Appendf(nil, `{"\u0000place":%d}`, place) }

func hasMark(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		_, marked := value[mark]
		for _, member := range value {
			marked = marked || hasMark(member)
		}
		return marked
	case []any:
		return slices.ContainsFunc(value, hasMark)
	}
	return false
}

type merger struct{ isUnion func(reflect.Type) bool }

// merge restores unknown members in now and below. With keep it restores those
// of now itself; without, now is an edited element of an array, and only
// elements of arrays within it that were not edited get theirs back.
func (m merger) merge(now, pristine, read any, t reflect.Type, keep bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch now := now.(type) {
	case map[string]any:
		pristine, ok1 := pristine.(map[string]any)
		read, ok2 := read.(map[string]any)
		if ok1 && ok2 && t.Kind() == reflect.Struct {
			m.object(now, pristine, read, t, keep)
		}
	case []any:
		pristine, ok1 := pristine.([]any)
		read, ok2 := read.([]any)
		if ok1 && ok2 && t.Kind() == reflect.Slice && len(pristine) == len(read) {
			for i, pair := range pairs(now, pristine) {
				if pair.with >= 0 {
					m.merge(now[i], pristine[pair.with], read[pair.with], t.Elem(), pair.same)
				}
			}
		}
	}
}

func (m merger) object(now, pristine, read map[string]any, t reflect.Type, keep bool) {
	known := map[string]reflect.Type{}
	for _, field := range infoOf(t).fields {
		known[field.name] = field.typ
	}
	delete(now, mark)
	delete(pristine, mark)
	replaced := m.isUnion(t) && len(pristine) == 0 && len(now) > 0
	for name, value := range read {
		fieldType, ok := known[name]
		if !ok {
			if _, taken := now[name]; keep && !taken && !replaced {
				now[name] = value
			}
			continue
		}
		if now[name] != nil {
			m.merge(now[name], pristine[name], value, fieldType, keep)
		}
	}
}

// pair says which unedited element an element goes with, -1 for none, and
// whether the two are the same.
type pair struct {
	with int
	same bool
}

// pairs finds the unedited element that each element was: first those in their
// old places, or after additions and removals in their old order, then those
// that were moved. Where as many are left as there were, they were edited.
func pairs(now, pristine []any) []pair {
	all := make([]pair, len(now))
	used := make([]bool, len(pristine))
	places := inPlace
	if len(now) != len(pristine) {
		places = inOrder
	}
	for i, j := range places(now, pristine) {
		all[i] = pair{j, true}
		if j >= 0 {
			used[j] = true
		}
	}
	for i := range now {
		for j := range pristine {
			if all[i].with < 0 && !used[j] && reflect.DeepEqual(now[i], pristine[j]) {
				all[i], used[j] = pair{j, true}, true
			}
		}
	}
	var edited, left []int
	for i := range now {
		if all[i].with < 0 {
			edited = append(edited, i)
		}
	}
	for j := range pristine {
		if !used[j] {
			left = append(left, j)
		}
	}
	if len(edited) == len(left) {
		for n, i := range edited {
			all[i] = pair{with: left[n]}
		}
	}
	return all
}

// inPlace returns the place of each element that is the same as before, -1 for
// the others. Both slices are of one length.
func inPlace(now, pristine []any) []int {
	places := make([]int, len(now))
	for i := range now {
		places[i] = -1
		if reflect.DeepEqual(now[i], pristine[i]) {
			places[i] = i
		}
	}
	return places
}

// inOrder returns for each element of now its place in pristine, -1 for none,
// for as many elements as can be had without a change of order.
func inOrder(now, pristine []any) []int {
	// longest[i][j] is how many can be had of now[i:] and pristine[j:].
	longest := make([][]int, len(now)+1)
	for i := range longest {
		longest[i] = make([]int, len(pristine)+1)
	}
	same := func(i, j int) bool { return reflect.DeepEqual(now[i], pristine[j]) }
	for i := range slices.Backward(now) {
		for j := range slices.Backward(pristine) {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if same(i, j) {
				longest[i][j] = max(longest[i][j], longest[i+1][j+1]+1)
			}
		}
	}
	places := make([]int, len(now))
	for i, j := 0, 0; i < len(now); {
		switch {
		case j < len(pristine) && same(i, j) && longest[i][j] == longest[i+1][j+1]+1:
			places[i] = j
			i, j = i+1, j+1
		case j < len(pristine) && longest[i][j+1] == longest[i][j]:
			j++
		default:
			places[i] = -1
			i++
		}
	}
	return places
}
