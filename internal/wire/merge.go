package wire

import "reflect"

// Merge puts the members that the sender does not know back into a body.
//
// read is the JSON that an object was read as, and readType the type that it
// was decoded into: members of read that readType has no field for are the
// unknown ones. pristine is the body that follows from read without any edit,
// and now is the body after the caller's edits. Unknown members return at top
// level, in nested objects that the body still has, and in those array elements
// that stand in now as they stood in pristine. A member of a union gives way to
// the one that the caller chose in its place.
func Merge(now, pristine, read []byte, readType reflect.Type, isUnion func(reflect.Type) bool) ([]byte, error) {
	var trees [3]any
	for i, data := range [][]byte{now, pristine, read} {
		if err := newDecoder(data).Decode(&trees[i]); err != nil {
			return nil, err
		}
	}
	merger{isUnion}.merge(trees[0], trees[1], trees[2], readType)
	return Marshal(trees[0])
}

type merger struct{ isUnion func(reflect.Type) bool }

func (m merger) merge(now, pristine, read any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch now := now.(type) {
	case map[string]any:
		pristine, ok1 := pristine.(map[string]any)
		read, ok2 := read.(map[string]any)
		if ok1 && ok2 && t.Kind() == reflect.Struct {
			m.mergeObject(now, pristine, read, t)
		}
	case []any:
		pristine, ok1 := pristine.([]any)
		read, ok2 := read.([]any)
		if ok1 && ok2 && t.Kind() == reflect.Slice && len(pristine) == len(read) {
			m.mergeArray(now, pristine, read, t.Elem())
		}
	}
}

func (m merger) mergeObject(now, pristine, read map[string]any, t reflect.Type) {
	known := map[string]reflect.Type{}
	for _, field := range fieldsOf(t) {
		known[field.name] = field.typ
	}
	replaced := m.isUnion(t) && len(pristine) == 0 && len(now) > 0
	for name, value := range read {
		fieldType, ok := known[name]
		if !ok {
			if _, taken := now[name]; !taken && !replaced {
				now[name] = value
			}
			continue
		}
		if now[name] != nil {
			m.merge(now[name], pristine[name], value, fieldType)
		}
	}
}

// mergeArray pairs each element with the unedited one that it equals, the one
// at the same place first, so that elements may be moved, added and removed.
func (m merger) mergeArray(now, pristine, read []any, t reflect.Type) {
	used := make([]bool, len(pristine))
	pairs := make([]int, len(now))
	for i := range now {
		pairs[i] = -1
		if i < len(pristine) && reflect.DeepEqual(now[i], pristine[i]) {
			pairs[i], used[i] = i, true
		}
	}
	for i := range now {
		for j := range pristine {
			if pairs[i] < 0 && !used[j] && reflect.DeepEqual(now[i], pristine[j]) {
				pairs[i], used[j] = j, true
			}
		}
		if pairs[i] >= 0 {
			m.merge(now[i], pristine[pairs[i]], read[pairs[i]], t)
		}
	}
}
