package wire

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// typeInfo says how values of a type are encoded. It is found once for each
// type.
type typeInfo struct {
	marshaler bool // the type encodes itself or reveals what it hides
	plain     bool // a struct, map or string can do without encoding/json
	fields    []field
}

type field struct {
	name     string
	index    int
	typ      reflect.Type
	omitZero bool
}

var (
	typeInfos sync.Map // of *typeInfo by reflect.Type

	marshalers = []reflect.Type{
		reflect.TypeFor[textRevealer](), reflect.TypeFor[objectRevealer](),
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	}
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	numberType  = reflect.TypeFor[json.Number]()
)

func infoOf(t reflect.Type) *typeInfo {
	if cached, ok := typeInfos.Load(t); ok {
		return cached.(*typeInfo)
	}
	info := &typeInfo{plain: t != numberType}
	for _, m := range marshalers {
		info.marshaler = info.marshaler || t.Implements(m)
	}
	switch t.Kind() {
	case reflect.Struct:
		info.addFields(t)
	case reflect.Map:
		info.plain = t.Key().Kind() == reflect.String
	}
	cached, _ := typeInfos.LoadOrStore(t, info)
	return cached.(*typeInfo)
}

// addFields lists the fields of a struct that take part in JSON. A struct is
// plain if it uses nothing of encoding/json's that this package does itself in
// another way, as all models are.
func (info *typeInfo) addFields(t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if f.Anonymous && (f.IsExported() || f.Type.Kind() != reflect.Struct || len(infoOf(f.Type).fields) > 0) {
			info.plain = false
		}
		if options != "" && options != "omitzero" {
			info.plain = false
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		if !tagged || name == "" {
			name = f.Name
		}
		info.fields = append(info.fields, field{name: name, index: i, typ: f.Type, omitZero: options == "omitzero"})
	}
}

// Names returns the names of the members that a T takes.
func Names[T any]() []string {
	var names []string
	for _, field := range infoOf(reflect.TypeFor[T]()).fields {
		names = append(names, field.name)
	}
	return names
}
