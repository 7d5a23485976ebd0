package e2e_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/apono-go/apono/internal/wire"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// A time.Duration would be decoded from a number of seconds or minutes as
// nanoseconds. Durations are therefore numbers whose name has the unit.
func TestDurationsInModelsAreNumbersWithUnit(t *testing.T) {
	t.Parallel()
	found := 0
	for _, typ := range exportedTypes() {
		if typ.Kind() != reflect.Struct {
			continue
		}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if tag := field.Tag.Get("json"); tag == "" || tag == "-" {
				continue
			}
			kind := field.Type
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
			require.Truef(t, kind != typeOf[time.Duration](), "%s.%s must be a number", typ.Name(), field.Name)
			if kind.Kind() == reflect.Int && regexp.MustCompile("Duration|Interval|Revoke|TimeIn").MatchString(field.Name) {
				found++
				require.Regexpf(t, "In(Sec|Min|Seconds)$", field.Name, "the name of %s.%s must have a unit", typ.Name(), field.Name)
			}
		}
	}
	require.GreaterOrEqual(t, found, 10, "fields with durations are missing")
}

// unknownMembers are members of every kind without a field.
const unknownMembers = `"newer_null":null,"newer_flag":true,"newer_number":1.10,"newer_large":12345678901234567890,` +
	`"newer_text":"é","newer_list":[3,{"b":null},[1e400]],"newer_object":{"z":[2.50],"a":{"b":"c"}}`

var (
	timeType   = typeOf[time.Time]()
	objectType = typeOf[apono.Object]()
	secretType = typeOf[apono.Secret]()
)

// numericTimes are the fields that the API encodes as a number of seconds.
var numericTimes = []string{"AccessFlowV1.CreatedDate", "IntegrationV2.LastSyncTime", "ConnectorV2.LastConnected"}

// sampler generates the JSON of objects with a member for each field, and with unknown
// members at every depth. All strings and numbers are different.
type sampler struct {
	n       int
	secrets bool // include credentials
}

func (s *sampler) value(t reflect.Type, field string) string {
	s.n++
	switch {
	case slices.Contains(numericTimes, field):
		return fmt.Sprintf("%d.123456789", 1772694489+s.n)
	case t == timeType:
		return `"` + time.Unix(int64(1772694489+s.n), 5e6).UTC().Format(time.RFC3339Nano) + `"`
	case t == objectType:
		return fmt.Sprintf(`{"list":[1e400,-0,12345678901234567890,"t",null,true,{"x":%d}],"n":1.10}`, s.n)
	case t.Kind() == reflect.Pointer:
		return s.value(t.Elem(), field)
	case t.Kind() == reflect.Struct && t != secretType:
		return s.object(t)
	case t.Kind() == reflect.Map:
		return fmt.Sprintf(`{"a":%s,"b":%s}`, s.value(t.Elem(), ""), s.value(t.Elem(), ""))
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && isUnion(t.Elem()):
		var elements []string
		for i := range memberFields(t.Elem()) {
			elements = append(elements, s.union(t.Elem(), i))
		}
		return "[" + strings.Join(append(elements, "{"+unknownMembers+"}"), ",") + "]"
	case t.Kind() == reflect.Slice:
		return "[" + s.value(t.Elem(), "") + "," + s.value(t.Elem(), "") + "]"
	case t.Kind() == reflect.Bool:
		return "true"
	case t.Kind() == reflect.String || t == secretType:
		return fmt.Sprintf(`"text <%d>"`, s.n)
	}
	return fmt.Sprint(s.n)
}

func (s *sampler) object(t reflect.Type) string {
	if isUnion(t) {
		return s.union(t, 0)
	}
	var members []string
	for _, f := range memberFields(t) {
		if !s.secrets && (f.Type == typeOf[*apono.SecretStoreConfig]() || f.Type == secretExtraType) {
			continue
		}
		members = append(members, `"`+memberName(f)+`":`+s.value(f.Type, t.Name()+"."+f.Name))
	}
	if _, ok := t.FieldByName("Extra"); ok {
		members = append(members, unknownMembers)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// union generates an object with member i only.
func (s *sampler) union(t reflect.Type, i int) string {
	f := memberFields(t)[i]
	return `{"` + memberName(f) + `":` + s.value(f.Type, "") + "," + unknownMembers + "}"
}

func isUnion(t reflect.Type) bool {
	return slices.Contains([]string{
		"AccessTarget", "AccessTargetInput", "BundleTarget", "BundleTargetInput", "ReportTimeframe", "SecretStoreConfig",
	}, t.Name())
}

// memberFields returns the fields of a type except Extra.
func memberFields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Name == "Extra" })
}

func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// A model is encoded as it was decoded, including unknown members at every depth.
func TestModelsRoundTrip(t *testing.T) {
	t.Parallel()
	types := typesWithExtra()
	require.Greater(t, len(types), 100)
	for _, typ := range types {
		for name, codec := range apitest.Codecs {
			own := name == "this module" // the only one that reveals Secrets
			if typ.Field(typ.NumField()-1).Type == secretExtraType && !own {
				continue
			}
			text := (&sampler{secrets: own}).object(typ)
			read := reflect.New(typ)
			require.NoError(t, codec.Unmarshal([]byte(text), read.Interface()), "%s by %s", typ, name)
			for _, value := range []any{read.Interface(), read.Elem().Interface()} {
				written, err := codec.Marshal(value)
				require.NoError(t, err, "%s by %s", typ, name)
				apitest.JSONEq(t, text, string(written), "%s by %s", typ, name)
				again := reflect.New(typ)
				require.NoError(t, codec.Unmarshal(written, again.Interface()))
				require.Equal(t, read.Interface(), again.Interface(), "%s by %s", typ, name)
			}
		}
	}
}

// Every struct in the API's objects has Extra as its last field, so that unknown
// members are kept at every depth.
func TestEveryObjectOfAPIHasExtra(t *testing.T) {
	t.Parallel()
	var reached []string
	var walk func(t *testing.T, typ reflect.Type)
	walk = func(t *testing.T, typ reflect.Type) {
		t.Helper()
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			if typ != extraType {
				walk(t, typ.Elem())
			}
		case reflect.Struct:
			if typ == timeType || typ == secretType || typ == typeOf[apono.Grant]() || slices.Contains(reached, typ.Name()) {
				return
			}
			reached = append(reached, typ.Name())
			if !strings.Contains(typ.Name(), "Page[") && typ.Name() != "SelectablePermissionsPage" {
				require.True(t, hasExtra(typ), "%s has no Extra", typ)
			}
			for f := range typ.Fields() {
				require.True(t, f.IsExported(), "%s.%s", typ, f.Name)
				walk(t, f.Type)
			}
		}
	}
	client := apitest.NewClient(t, apitest.NoRequest(t))
	for name, method := range methodsOf(client) {
		if name == "Client.Do" || method.Type().NumOut() == 0 {
			continue
		}
		out := method.Type().Out(0)
		if out.Kind() == reflect.Func && out.NumIn() == 1 { // iter.Seq2
			out = out.In(0).In(0)
		}
		if out == reflect.TypeFor[*apono.Grant]() {
			continue // no object of the API
		}
		if out.Kind() == reflect.Pointer || out.Kind() == reflect.Slice {
			walk(t, out)
		}
	}
	require.Greater(t, len(reached), 80)
}

// written returns the expected body of an update, given the body of the object that
// was read. If reverse is true, all lists are reversed.
func written(read any, model, input reflect.Type, reverse bool) any {
	for model.Kind() == reflect.Pointer {
		model = model.Elem()
	}
	for input.Kind() == reflect.Pointer {
		input = input.Elem()
	}
	switch read := read.(type) {
	case []any:
		if model.Kind() != reflect.Slice {
			return read
		}
		var elements []any
		for _, element := range read {
			elements = append(elements, written(element, model.Elem(), input.Elem(), reverse))
		}
		if reverse {
			slices.Reverse(elements)
		}
		return elements
	case map[string]any:
		if model.Kind() != reflect.Struct {
			return read
		}
		known := fieldsByName(model)
		object := map[string]any{}
		for name, value := range read {
			if known[name] == nil {
				object[name] = value
			}
		}
		for name, fieldType := range fieldsByName(input) {
			id := strings.Replace(name, "_reference", "_id", 1)
			switch {
			case known[name] != nil:
				object[name] = written(read[name], known[name], fieldType, reverse)
			case known[id] != nil:
				object[name] = read[id]
			case name == "space_scope_references":
				ids := []any{}
				for _, scope := range read["space_scopes"].([]any) { //nolint:forcetypeassert // as the sampler wrote it
					ids = append(ids, scope.(map[string]any)["id"]) //nolint:forcetypeassert // as above
				}
				if reverse {
					slices.Reverse(ids)
				}
				object[name] = ids
			default:
				object[name] = false // request_for_others
			}
			if object[name] == nil {
				delete(object, name) // not the member of the union that is set
			}
		}
		return object
	}
	return read
}

func fieldsByName(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, f := range memberFields(t) {
		fields[memberName(f)] = f.Type
	}
	return fields
}

// reverseLists reverses all lists of an input except those in free-form values.
func reverseLists(v reflect.Value) {
	switch {
	case v.Type() == objectType || v.Type() == extraType || v.Type() == secretType:
	case v.Kind() == reflect.Pointer && !v.IsNil():
		reverseLists(v.Elem())
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		for i := range v.NumField() {
			reverseLists(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		swap := reflect.Swapper(v.Interface())
		for i := range v.Len() / 2 {
			swap(i, v.Len()-1-i)
		}
		for i := range v.Len() {
			reverseLists(v.Index(i))
		}
	}
}

// An update replaces the whole object. It must contain all members of the object that
// was read, at every depth and in every order; only edited members differ.
func TestUpdateInputsLoseNothing(t *testing.T) {
	t.Parallel()
	var converted []string
	for _, typ := range typesWithExtra() {
		method, ok := reflect.PointerTo(typ).MethodByName("UpdateInput")
		if !ok {
			continue
		}
		converted = append(converted, typ.Name())
		text := (&sampler{secrets: true}).object(typ)
		model, pristine := reflect.New(typ), reflect.New(typ)
		require.NoError(t, wire.Unmarshal([]byte(text), model.Interface()))
		require.NoError(t, wire.Unmarshal([]byte(text), pristine.Interface()))
		for _, reverse := range []bool{false, true} {
			in := reflect.New(method.Type.Out(0))
			in.Elem().Set(method.Func.Call([]reflect.Value{model})[0])
			in.Elem().FieldByName("Name").SetString("edited")
			if reverse {
				reverseLists(in)
			}
			body, err := wire.Marshal(in.Interface())
			require.NoError(t, err)
			want, _ := written(apitest.ParseJSON(t, text), typ, in.Type(), reverse).(map[string]any)
			want["name"] = "edited"
			require.Equal(t, want, apitest.ParseJSON(t, string(body)), typ)
			require.Equal(t, pristine.Interface(), model.Interface(), "the model was changed")
		}
	}
	require.Equal(t, []string{"AccessFlow", "AccessScope", "ActivityReport", "Bundle", "Connector", "Integration", "Space", "SpaceScope"}, converted)
}

// A newer API may return a member for which only the input has a field so far. The
// update must not fail because of it.
func TestUpdateInputsWithMembersUnknownToModel(t *testing.T) {
	t.Parallel()
	const condition = `{"type": "user", "source_integration_id": "i1", "source_integration_reference": "x"}`
	fake := script.New(t, script.Response{Body: `{"id": "f1", "request_for_others": true, "requestors": {"conditions": [` + condition + `]}, "access_targets": [
		{"integration": {"integration_id": "i1", "integration_reference": "x"}},
		{"bundle": {"bundle_id": "b1", "bundle_reference": "x"}},
		{"access_scope": {"access_scope_id": "s1", "access_scope_reference": "x"}}
	]}`}, script.Response{Body: apitest.AnyObject}, script.Response{Body: `{
		"id": "i1", "owner": {"source_integration_id": "i1", "source_integration_reference": "x"},
		"owners_mapping": {"source_integration_id": "i1", "source_integration_reference": "x"}
	}`}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	flow, err := client.AccessFlows.Get(t.Context(), "f1")
	require.NoError(t, err)
	_, err = client.AccessFlows.Update(t.Context(), "f1", flow.UpdateInput())
	require.NoError(t, err)
	sent := fake.Requests()[1].Body
	require.Contains(t, sent, `"request_for_others":true`)
	require.NotContains(t, sent, `"x"`)
	integration, err := client.Integrations.Get(t.Context(), "i1")
	require.NoError(t, err)
	_, err = client.Integrations.Update(t.Context(), "i1", integration.UpdateInput())
	require.NoError(t, err)
	require.NotContains(t, fake.Requests()[3].Body, `"x"`)
}

// Secrets in an input are sent.
func TestEveryInputWithSecretsIsSentWithThem(t *testing.T) {
	t.Parallel()
	for _, typ := range apitest.SecretHolders() {
		in := reflect.New(typ).Elem()
		secrets := apitest.Fill(in)
		for _, value := range []any{in.Interface(), in.Addr().Interface(), map[string]any{"in": []any{in.Interface()}}} {
			body, err := wire.Marshal(value)
			require.NoError(t, err)
			require.Equal(t, secrets, strings.Count(string(body), apitest.SecretText), "%s: %s", typ, body)
			require.NotContains(t, string(body), wire.Redacted)
		}
	}
}

// Programs compare models with cmp.Diff.
func TestEveryStructCanBeCompared(t *testing.T) {
	t.Parallel()
	for _, typ := range exportedTypes() {
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[apono.Grant]() { // which is no data
			continue
		}
		a, b := reflect.New(typ), reflect.New(typ)
		apitest.Fill(a.Elem())
		apitest.Fill(b.Elem())
		compareErrors := cmp.Comparer(func(a, b error) bool { return a == nil || b == nil || a.Error() == b.Error() })
		diff := ""
		require.NotPanics(t, func() { diff = cmp.Diff(a.Interface(), b.Interface(), compareErrors) }, typ)
		require.Empty(t, diff, typ)
	}
	require.NotEmpty(t, cmp.Diff(apono.AccessScope{}, apono.AccessScope{Extra: apono.Extra{"a": nil}}))
}
