package apono_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/script"
	"github.com/apono-go/apono/internal/wire"
)

// unknownMembers are members that this version has no field for, of every kind.
const unknownMembers = `"newer_null":null,"newer_flag":true,"newer_number":1.10,"newer_large":12345678901234567890,` +
	`"newer_text":"é","newer_list":[3,{"b":null},[1e400]],"newer_object":{"z":[2.50],"a":{"b":"c"}}`

var (
	timeType   = typeOf[time.Time]()
	extraType  = typeOf[apono.Extra]()
	objectType = typeOf[apono.Object]()
)

// numericTimes are the fields that the API writes as a number of seconds.
var numericTimes = []string{"AccessFlowV1.CreatedDate", "IntegrationV2.LastSyncTime", "ConnectorV2.LastConnected"}

// sampler writes the JSON of an object with all members that its type has fields
// for, and with unknown ones at every depth. Every text and number is another.
type sampler struct {
	n       int
	secrets bool // whether credentials are part of it
}

func (s *sampler) value(t reflect.Type, field string) string {
	s.n++
	switch {
	case slices.Contains(numericTimes, field):
		return fmt.Sprintf("%d.123456789", 1772694489+s.n)
	case t == timeType:
		return `"` + time.Unix(int64(1772694489+s.n), 5e6).UTC().Format(time.RFC3339Nano) + `"`
	case t == objectType || t == typeOf[apono.SecretConfigV2]():
		return fmt.Sprintf(`{"list":[1e400,-0,12345678901234567890,"t",null,true,{"x":%d}],"n":1.10}`, s.n)
	case t.Kind() == reflect.Pointer:
		return s.value(t.Elem(), field)
	case t.Kind() == reflect.Struct:
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
	case t.Kind() == reflect.String:
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
		if f.Type == typeOf[*apono.SecretStoreConfig]() && !s.secrets || f.Type == typeOf[apono.SecretConfigV2]() && !s.secrets {
			continue
		}
		members = append(members, `"`+memberName(f)+`":`+s.value(f.Type, t.Name()+"."+f.Name))
	}
	if _, ok := t.FieldByName("Extra"); ok {
		members = append(members, unknownMembers)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// union writes an object of which one member is set.
func (s *sampler) union(t reflect.Type, i int) string {
	f := memberFields(t)[i]
	return `{"` + memberName(f) + `":` + s.value(f.Type, "") + "," + unknownMembers + "}"
}

func isUnion(t reflect.Type) bool {
	return slices.Contains([]string{
		"AccessTarget", "AccessTargetInput", "AccessBundleAccessTarget", "AccessBundleAccessTargetInput", "ReportTimeframe", "SecretStoreConfig",
	}, t.Name())
}

// memberFields are the fields of a type but Extra.
func memberFields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Type == extraType })
}

func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// typesWithExtra are those that the API's objects are decoded into, and the
// inputs made from them.
func typesWithExtra() []reflect.Type {
	return slices.DeleteFunc(exportedTypes(), func(t reflect.Type) bool {
		return t.Kind() != reflect.Struct || !hasExtra(t)
	})
}

func hasExtra(t reflect.Type) bool {
	f, ok := t.FieldByName("Extra")
	return ok && f.Type == extraType && f.Index[0] == t.NumField()-1 && f.Tag == `json:",embed,inline"`
}

// redactsItself reports whether a type with credentials does not marshal to what
// it was read from.
func redactsItself(t reflect.Type) bool {
	return slices.Contains([]string{"AccessSessionDetails", "AccessDetailsV3"}, t.Name()) || strings.Contains(t.Name(), "Secret")
}

// codecs are the ways in which programs read and write JSON.
var codecs = map[string]struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}{
	"encoding/json": {json.Marshal, json.Unmarshal},
	"version 2": {
		func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
		func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) },
	},
	"this module": {wire.Marshal, wire.Unmarshal},
}

// A file of models is a backup. What a newer API adds to an object is part of
// it, at every depth.
func TestModelsMarshalToWhatTheyWereReadFrom(t *testing.T) {
	t.Parallel()
	types := typesWithExtra()
	require.Greater(t, len(types), 100)
	for _, typ := range types {
		if redactsItself(typ) {
			continue
		}
		text := new(sampler).object(typ)
		for name, codec := range codecs {
			read := reflect.New(typ)
			require.NoError(t, codec.unmarshal([]byte(text), read.Interface()), "%s by %s", typ, name)
			for _, value := range []any{read.Interface(), read.Elem().Interface()} {
				written, err := codec.marshal(value)
				require.NoError(t, err, "%s by %s", typ, name)
				sameJSON(t, text, string(written), "%s by %s", typ, name)
				again := reflect.New(typ)
				require.NoError(t, codec.unmarshal(written, again.Interface()))
				require.Equal(t, read.Interface(), again.Interface(), "%s by %s", typ, name)
			}
		}
	}
}

// sameJSON compares two JSON texts with every digit of their numbers.
func sameJSON(t *testing.T, want, got string, message ...any) {
	t.Helper()
	require.Equal(t, parseJSON(t, want), parseJSON(t, got), message...)
}

func parseJSON(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value), text)
	return value
}

// Every struct that the API's objects are made of has an Extra as its last
// field, so that no depth is left where a newer member gets lost.
func TestEveryObjectOfTheAPIHasExtra(t *testing.T) {
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
			if typ == timeType || slices.Contains(reached, typ.Name()) {
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
	client := newClient(t, noRequest(t))
	for name, method := range methodsOf(client) {
		if name == "Client.Do" || method.Type().NumOut() == 0 {
			continue
		}
		out := method.Type().Out(0)
		if out.Kind() == reflect.Func && out.NumIn() == 1 { // iter.Seq2
			out = out.In(0).In(0)
		}
		if out.Kind() == reflect.Pointer || out.Kind() == reflect.Slice {
			walk(t, out)
		}
	}
	require.Greater(t, len(reached), 80)
}

// written returns the body that follows from the body of an object that was
// read, if the input is made from it and all its lists are reversed.
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
				delete(object, name) // another member of a union is set
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

// reverseLists reverses all lists of an input but those in free-form values.
func reverseLists(v reflect.Value) {
	switch {
	case v.Type() == objectType || v.Type() == extraType:
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

// An update replaces the whole object. Whatever stands in it, at any depth and in
// any order, arrives; only what is edited changes.
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
			want, _ := written(parseJSON(t, text), typ, in.Type(), reverse).(map[string]any)
			want["name"] = "edited"
			require.Equal(t, want, parseJSON(t, string(body)), typ)
			require.Equal(t, pristine.Interface(), model.Interface(), "the model is not edited")
		}
	}
	require.Equal(t, []string{"AccessFlow", "AccessScope", "ActivityReport", "Bundle", "Connector", "Integration", "Space", "SpaceScope"}, converted)
}

// A newer API may return a member that only the input has a field for so far.
// The update must not fail for it.
func TestUpdateInputsTakeMembersThatOnlyTheyHaveFieldsFor(t *testing.T) {
	t.Parallel()
	const condition = `{"type": "user", "source_integration_id": "i1", "source_integration_reference": "x"}`
	fake := script.New(t, script.Answer{Body: `{"request_for_others": true, "requestors": {"conditions": [` + condition + `]}, "access_targets": [
		{"integration": {"integration_id": "i1", "integration_reference": "x"}},
		{"bundle": {"bundle_id": "b1", "bundle_reference": "x"}},
		{"access_scope": {"access_scope_id": "s1", "access_scope_reference": "x"}}
	]}`}, script.Answer{Body: `{}`}, script.Answer{Body: `{
		"owner": {"source_integration_id": "i1", "source_integration_reference": "x"},
		"owners_mapping": {"source_integration_id": "i1", "source_integration_reference": "x"}
	}`}, script.Answer{Body: `{}`})
	client := newClient(t, fake)
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

func TestExtraIsSent(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{}`})
	_, err := newClient(t, fake).Scopes.Create(t.Context(), apono.AccessScopeInput{
		Name: "n", Query: "q", Extra: apono.Extra{"owner": json.RawMessage(`{"id": 1.10}`)},
	})
	require.NoError(t, err)
	require.Equal(t, `{"name":"n","query":"q","owner":{"id":1.10}}`, fake.Requests()[0].Body)
}

// Two members with one name in a body: the server takes one of them, and nobody
// knows which.
func TestExtraWithTheNameOfAFieldIsAnArgumentError(t *testing.T) {
	t.Parallel()
	client := newClient(t, noRequest(t))
	extra := apono.Extra{"permissions": json.RawMessage(`["ADMIN"]`)}
	_, err := client.AccessFlows.Create(t.Context(), apono.AccessFlowInput{AccessTargets: []apono.AccessTargetInput{
		{Bundle: &apono.BundleAccessTargetInput{BundleReference: "b"}},
		{Integration: &apono.IntegrationAccessTargetInput{IntegrationReference: "i", Extra: extra}},
	}})
	require.EqualError(t, err, `apono: argument in.AccessTargets[1].Integration.Extra: the member "permissions" has a field: set Permissions instead`)
	require.ErrorAs(t, err, new(*apono.ArgumentError))
	for _, in := range []any{
		apono.AccessScopeInput{Name: "n", Extra: apono.Extra{"name": nil}},           // set
		apono.AccessScopeInput{Extra: apono.Extra{"description": nil}},               // not set
		map[string]any{"x": []any{apono.Integration{Extra: apono.Extra{"id": nil}}}}, // at any depth
	} {
		require.ErrorAs(t, client.Do(t.Context(), "POST", "/api/x", nil, in, nil), new(*apono.ArgumentError))
	}
	err = client.Do(t.Context(), "POST", "/api/x", nil, apono.AccessScope{Extra: apono.Extra{"x": json.RawMessage(`{`)}}, nil)
	require.ErrorAs(t, err, new(*apono.ArgumentError), "what is not JSON")
}

// Of a kind that this version does not know is what has an unknown member and no
// other.
func TestUnionsOfUnknownKinds(t *testing.T) {
	t.Parallel()
	newer := apono.Extra{"newer": json.RawMessage(`{"a":1}`)}
	fake := script.New(t, script.Answer{Body: `{}`}, script.Answer{Body: `{}`}, script.Answer{Body: `{}`}, script.Answer{Body: `{}`})
	client := newClient(t, fake)
	_, err := client.AccessFlows.Create(t.Context(), apono.AccessFlowInput{AccessTargets: []apono.AccessTargetInput{{Extra: newer}}})
	require.NoError(t, err)
	_, err = client.Bundles.Create(t.Context(), apono.BundleInput{AccessTargets: []apono.AccessBundleAccessTargetInput{{Extra: newer}}})
	require.NoError(t, err)
	_, err = client.Reports.Create(t.Context(), apono.ActivityReportInput{Timeframe: apono.ReportTimeframe{Extra: newer}})
	require.NoError(t, err)
	_, err = client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &apono.SecretStoreConfig{Extra: newer}})
	require.NoError(t, err)
	for _, request := range fake.Requests() {
		require.Contains(t, request.Body, `{"newer":{"a":1}}`)
	}
}

func TestExtraShowsNamesOnly(t *testing.T) {
	t.Parallel()
	scope := apono.AccessScope{ID: "s1", Extra: apono.Extra{"token": json.RawMessage(`"s3cret"`), "a": json.RawMessage(`1`)}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "[a token]", fmt.Sprintf(verb, scope.Extra))
		require.NotContains(t, fmt.Sprintf(verb, scope), "s3cret")
	}
	require.Contains(t, fmt.Sprintf("%+v", scope), "Extra:[a token]")
	require.Equal(t, "[a token]", scope.Extra.LogValue().String())
	require.Equal(t, "[]", apono.Extra(nil).String())
	require.Contains(t, logged(scope), `"value":{"id":"s1","name":"","query":"","creation_date":"0001-01-01T00:00:00Z","update_date":"0001-01-01T00:00:00Z","a":"[redacted]","token":"[redacted]"}`)
}

// What is sent holds the credentials; whatever else encodes an input does not.
func TestEveryInputWithCredentialsIsSentWithThem(t *testing.T) {
	t.Parallel()
	var holders []string
	for _, typ := range exportedTypes() {
		in := reflect.New(typ)
		texts := map[string]int{}
		fill(in.Elem(), visibleText, texts)
		if texts[secretText] == 0 || !strings.HasSuffix(typ.Name(), "Input") {
			continue
		}
		holders = append(holders, typ.Name())
		body, err := wire.Marshal(in.Elem().Interface())
		require.NoError(t, err)
		require.Equal(t, texts[secretText], strings.Count(string(body), secretText), "%s: %s", typ, body)
		require.NotContains(t, string(body), wire.Redacted)
		for name, codec := range codecs {
			if name == "this module" {
				continue
			}
			shown, err := codec.marshal(in.Interface())
			require.NoError(t, err)
			require.NotContains(t, string(shown), "hunter2", "%s by %s", typ, name)
		}
	}
	require.Equal(t, []string{
		"CreateIntegrationInput", "CreateIntegrationV2Input", "UpdateIntegrationInput", "UpdateIntegrationV2Input",
	}, holders)
}

// Programs compare what they read with what they want.
func TestEveryStructCanBeCompared(t *testing.T) {
	t.Parallel()
	for _, typ := range exportedTypes() {
		if typ.Kind() != reflect.Struct {
			continue
		}
		a, b := reflect.New(typ), reflect.New(typ)
		fill(a.Elem(), visibleText, map[string]int{})
		fill(b.Elem(), visibleText, map[string]int{})
		compareErrors := cmp.Comparer(func(a, b error) bool { return a == nil || b == nil || a.Error() == b.Error() })
		diff := ""
		require.NotPanics(t, func() { diff = cmp.Diff(a.Interface(), b.Interface(), compareErrors) }, typ)
		require.Empty(t, diff, typ)
	}
	require.NotEmpty(t, cmp.Diff(apono.AccessScope{}, apono.AccessScope{Extra: apono.Extra{"a": nil}}))
}

func TestObjectKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	const text = `{"a":[1.10,1e400,-0,12345678901234567890],"b":{"c":0.1e-7},"d":null,"e":"é<&>","f":true}`
	for name, codec := range codecs {
		var object apono.Object
		require.NoError(t, codec.unmarshal([]byte(text), &object), name)
		require.Equal(t, []any{json.Number("1.10"), json.Number("1e400"), json.Number("-0"), json.Number("12345678901234567890")}, object["a"], name)
		written, err := codec.marshal(object)
		require.NoError(t, err, name)
		sameJSON(t, text, string(written), name)
		require.Error(t, codec.unmarshal([]byte(`[1]`), &object), name)
		require.NoError(t, codec.unmarshal([]byte(`{"a":1}`), &object), name)
		require.Len(t, object, 5, "members are added to those that are there")
	}
	var none apono.Object
	require.NoError(t, json.Unmarshal([]byte(`null`), &none))
	require.Nil(t, none)
	config := map[string]any{"port": "5432", "n": math.MaxInt64, "f": 1.5, "l": []any{nil}}
	input := apono.CreateIntegrationInput{IntegrationConfig: config}
	body, err := wire.Marshal(input)
	require.NoError(t, err)
	require.Contains(t, string(body), `"integration_config":{"f":1.5,"l":[null],"n":9223372036854775807,"port":"5432"}`)
	body, err = wire.Marshal(apono.CreateIntegrationInput{})
	require.NoError(t, err)
	require.Contains(t, string(body), `"integration_config":{}`)
}

// What stands in a free-form object is sent as it is, whatever it is.
func TestCredentialsInAFreeFormObjectAreSent(t *testing.T) {
	t.Parallel()
	object := apono.Object{"login": apono.Secrets{"password": "s3cret"}}
	body, err := wire.Marshal(apono.CreateIntegrationInput{IntegrationConfig: object})
	require.NoError(t, err)
	require.Contains(t, string(body), `"integration_config":{"login":{"password":"s3cret"}}`)
	for name, codec := range codecs {
		shown, err := codec.marshal(struct{ O apono.Object }{object})
		require.NoError(t, err)
		require.Equal(t, name != "this module", !bytes.Contains(shown, []byte("s3cret")), name)
	}
}

// Messages of real servers: each is read, by the same rules on every release.
func TestOddBodiesAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want apono.AccessFlowTimeframe
	}{
		"a byte order mark":     {"\ufeff{\"time_zone\":\"UTC\"}", apono.AccessFlowTimeframe{TimeZone: "UTC"}},
		"a name twice":          {`{"time_zone":"A","time_zone":"UTC"}`, apono.AccessFlowTimeframe{TimeZone: "UTC"}},
		"an unknown name twice": {`{"x":1,"x":2}`, apono.AccessFlowTimeframe{Extra: apono.Extra{"x": json.RawMessage("2")}}},
		"another case":          {`{"TIME_ZONE":"UTC"}`, apono.AccessFlowTimeframe{Extra: apono.Extra{"TIME_ZONE": json.RawMessage(`"UTC"`)}}},
		"not UTF-8":             {"{\"time_zone\":\"U\xffC\"}", apono.AccessFlowTimeframe{TimeZone: "U\ufffdC"}},
	} {
		var got apono.AccessFlowTimeframe
		require.NoError(t, wire.Unmarshal([]byte(c.body), &got), name)
		require.Equal(t, c.want, got, name)
	}
	var settings apono.AccessFlowSettings
	require.NoError(t, wire.Unmarshal([]byte(`{"max_extensions":6e1,"extension_duration_in_min":60.0}`), &settings))
	require.Equal(t, apono.AccessFlowSettings{MaxExtensions: apono.Ptr(60), ExtensionDurationInMin: apono.Ptr(60)}, settings)
	var integration apono.Integration
	require.NoError(t, wire.Unmarshal([]byte(`{"id":"i1","last_sync_time":"","newer":1}`), &integration))
	require.Equal(t, apono.Integration{ID: "i1", Extra: apono.Extra{"newer": json.RawMessage("1")}}, integration)
}

// The error names the place, so that a bug report says which object of a page it
// is about.
func TestDecodeErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	target := `{"access_targets":[{"integration":{"integration_name":%s}}]}`
	for body, want := range map[string]string{
		`{"items":[{},` + fmt.Sprintf(target, `7`) + `],"pagination":{}}`: "items[1].access_targets[0].integration.integration_name: cannot unmarshal number into Go string",
		`{"items":[{"creation_date":"soon"}],"pagination":{}}`:            "items[0].creation_date: not a time in RFC 3339 or ISO 8601",
		`{"items":[{"settings":{"labels":[1]}}],"pagination":{}}`:         "items[0].settings.labels[0]: cannot unmarshal number into Go string",
		`{"items":[{"grant_duration_in_min":1.5}],"pagination":{}}`:       "items[0].grant_duration_in_min: not an integer",
	} {
		_, err := newClient(t, script.New(t, script.Answer{Body: body})).AccessFlows.List(t.Context())
		require.ErrorAs(t, err, new(*apono.DecodeError))
		require.ErrorContains(t, err, ": "+want)
	}
	_, err := newClient(t, script.New(t, script.Answer{Body: `{"data":[{},{"created_date":"soon"}],"pagination":{}}`})).Legacy.AccessFlows.List(t.Context())
	require.ErrorContains(t, err, ": data[1].created_date: a time is neither")
}

func BenchmarkDecodePage(b *testing.B) {
	for name, newer := range map[string]string{"known": "", "newer": `"newer": {"a": [1]}, `} {
		items := make([]string, 100)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":"6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f%04[1]d","name":"Orders database %[1]d",%[2]s"type":"postgresql","category":"RESOURCES",`+
				`"connector_id":"connector-eu-west-1","status":"ACTIVE","last_sync_time":"2026-03-05T07:08:09.123456789Z",`+
				`"integration_config":{"hostname":"orders-%[1]d.cluster-c1x2y3z4.eu-west-1.rds.amazonaws.com","port":"5432","dbname":"orders",`+
				`"sslmode":"require","credentials_rotation_period_in_days":"90","credentials_cleanup_period_in_days":"30"},`+
				`"secret_store_config":{"aws":{"region":"eu-west-1","secret_id":"orders/apono"}},`+
				`"connected_resource_types":["postgresql-database","postgresql-schema","postgresql-table"],`+
				`"owner":{"attribute_type":"group","attribute_value":["group-7"],"source_integration_id":"idp-1","source_integration_name":"Okta"}}`, i, newer)
		}
		data := []byte(`{"items":[` + strings.Join(items, ",") + `],"pagination":{"next_page_token":null}}`)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var page struct {
					Items []*apono.Integration `json:"items"`
				}
				if err := wire.Unmarshal(data, &page); err != nil || len(page.Items) != 100 {
					b.Fatal(err)
				}
			}
		})
	}
}
