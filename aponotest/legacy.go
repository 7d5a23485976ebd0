package aponotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// The older versions of the API read and write the same objects in other forms. A write
// leaves fields unchanged that the older form does not have.

var (
	tagsSchema     = listOf(objectOf(map[string]field{"name": required(text), "value": maybeEmpty(text)}))
	targetV1Schema = objectOf(map[string]field{"integration_id": required(text), "resource_type": required(text), "resource_tag_includes": maybeEmpty(tagsSchema), "resource_tag_excludes": maybeEmpty(tagsSchema), "permissions": required(texts)})
)

// allOptional returns the schema of a PATCH, where absent fields are unchanged.
func (s *schema) allOptional() *schema {
	fields := maps.Clone(s.fields)
	for name, f := range fields {
		fields[name] = field{schema: f.schema, filled: f.filled}
	}
	return objectOf(fields)
}

// legacyView defines an older form of a resource.
type legacyView struct {
	of *resource
	// show returns an object in the older form.
	show func(*Server, object) object
	// write applies a body in the older form to an object.
	write func(s *Server, o, body object) *problem
	// validate checks the content of a body. It may be nil.
	validate       func(*Server, object) *problem
	message        string  // of the response to a deletion
	create, update *schema // of bodies
}

// routes returns the routes of List, Get, Create, Update and Delete.
func (v *legacyView) routes(service string) map[string]route {
	service = "Legacy." + service
	return map[string]route{
		service + ".List": {query: offsetParams, handle: func(s *Server, req *request) (any, *problem) {
			rows := []any{}
			for _, e := range s.store.objects[v.of.collection] {
				rows = append(rows, v.show(s, s.render(e.object)))
			}
			return s.offsetPage(rows, req)
		}},
		service + ".Get": {handle: func(s *Server, req *request) (any, *problem) {
			found, err := v.of.find(s, req)
			if err != nil {
				return nil, err
			}
			return v.show(s, s.render(found)), nil
		}},
		service + ".Create": {body: v.create, handle: func(s *Server, req *request) (any, *problem) {
			o := object{"id": s.store.newID()}
			return v.save(s, o, req.body, func() { v.of.finish(s, o) })
		}},
		service + ".Update": {body: v.update, handle: func(s *Server, req *request) (any, *problem) {
			found, err := v.of.find(s, req)
			if err != nil {
				return nil, err
			}
			o := s.render(found) // a copy, so that a rejected body changes nothing
			return v.save(s, o, req.body, func() {
				if _, dated := v.of.schema.fields[updateDate]; dated {
					o[updateDate] = s.now()
				}
			})
		}},
		service + ".Delete": {handle: func(s *Server, req *request) (any, *problem) {
			if _, err := v.of.delete(s, req); err != nil {
				return nil, err
			}
			return object{"message": v.message}, nil
		}},
	}
}

func (v *legacyView) save(s *Server, o, body object, finish func()) (any, *problem) {
	if v.validate != nil && !s.looseChecks {
		if err := v.validate(s, body); err != nil {
			return nil, err
		}
	}
	before := maps.Clone(s.store.flowsV1)
	if err := v.write(s, o, body); err != nil {
		return nil, err
	}
	finish()
	if _, err := v.of.write(s, o); err != nil {
		s.store.flowsV1 = before
		return nil, err
	}
	return v.show(s, s.render(o)), nil
}

var legacyRoutes = collect(
	integrationV2View.routes("Integrations"),
	bundleV1View.routes("AccessBundles"),
	flowV1View.routes("AccessFlows"),
	map[string]route{
		"Legacy.Connectors.List": {handle: (*Server).listConnectorsV2},
		"Legacy.Users.List":      {query: offsetParams, handle: (*Server).listUsersV2},
		"Legacy.Users.Get":       {handle: (*Server).getUserV2},
		"Legacy.AccessRequests.List": {
			query: offsetParams.with(params{"days_offset": integer, "user_id": one}), handle: (*Server).listRequestsV3,
		},
		"Legacy.AccessRequests.Get":              {handle: (*Server).getRequestV3},
		"Legacy.AccessRequests.Create":           {body: createAccessRequestV3, handle: (*Server).createRequestV3},
		"Legacy.AccessRequests.RevokeMany":       {body: revokeManySchema, handle: (*Server).revokeRequestsV3},
		"Legacy.AccessRequests.GetAccessDetails": {handle: (*Server).getAccessDetailsV3},
		"Legacy.AccessRequests.ResetCredentials": {handle: (*Server).resetCredentialsV3},
		"Legacy.AccessRequests.ListSelectableIntegrations": selectable(func(e object) any {
			return object{"id": member(e, "integration.id")}
		}),
		"Legacy.AccessRequests.ListSelectableResourceTypes": selectable(func(e object) any {
			return object{"id": member(e, "resource.type.id"), "name": member(e, "resource.type.label")}
		}),
		"Legacy.AccessRequests.ListSelectableResources": selectable(func(e object) any {
			return object{"id": member(e, "resource.id"), "type": member(e, "resource.type.id"), "name": member(e, "resource.name")}
		}),
		"Legacy.AccessRequests.ListSelectablePermissions": {
			query: offsetParams.with(params{"user_id": one}), handle: (*Server).listSelectablePermissions,
		},
	},
)

// legacyInstant returns an RFC 3339 time as seconds with nine decimals.
func legacyInstant(value any) (json.Number, bool) {
	text, _ := value.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	return json.Number(fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())), err == nil
}

// copyMembers copies fields from one object to another. The keys of names are the old
// names, the values the new ones.
func copyMembers(to, from object, names map[string]string) {
	for old, name := range names {
		if value, ok := from[old]; ok {
			to[name] = value
		}
	}
}

func number(value any) (int64, error) {
	n, _ := value.(json.Number)
	return n.Int64()
}
