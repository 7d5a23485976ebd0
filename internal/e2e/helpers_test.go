package e2e_test

import (
	"reflect"
	"slices"

	"github.com/apono-go/apono"
)

var (
	extraType       = typeOf[apono.Extra]()
	secretExtraType = typeOf[map[string]apono.Secret]() // where credentials are
)

// typesWithExtra returns the types that have an Extra field: the API's objects, and
// the inputs that are made from them.
func typesWithExtra() []reflect.Type {
	return slices.DeleteFunc(exportedTypes(), func(t reflect.Type) bool {
		return t.Kind() != reflect.Struct || !hasExtra(t)
	})
}

func hasExtra(t reflect.Type) bool {
	f, ok := t.FieldByName("Extra")
	return ok && (f.Type == extraType || f.Type == secretExtraType) && f.Index[0] == t.NumField()-1 && f.Tag == `json:",embed,inline"`
}
