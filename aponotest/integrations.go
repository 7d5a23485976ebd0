package aponotest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

var (
	secretStoreSchema = oneOf(map[string]field{
		"aws":             optional(objectOf(map[string]field{"region": required(text), "secret_id": required(text)})),
		"gcp":             optional(objectOf(map[string]field{"project": required(text), "secret_id": required(text)})),
		"kubernetes":      optional(objectOf(map[string]field{"namespace": required(text), "name": required(text)})),
		"azure":           optional(objectOf(map[string]field{"vault_url": required(text), "name": required(text)})),
		"hashicorp_vault": optional(objectOf(map[string]field{"secret_engine": required(text), "path": required(text)})),
		"apono":           optional(objectOf(map[string]field{"parameters": required(textMap)})),
	})

	ownerFields        = map[string]field{"attribute_type": required(text), "attribute_value": required(texts)}
	ownersMappingField = map[string]field{"key_name": required(text), "attribute_type": required(text)}
	sourceRead         = map[string]field{"source_integration_id": optional(text), "source_integration_name": optional(text)}
	sourceWrite        = map[string]field{"source_integration_reference": optional(text)}

	integrationFields = objectOf(map[string]field{
		"name":                     required(text),
		"connector_id":             optional(text),
		"integration_config":       required(freeForm),
		"secret_store_config":      optional(secretStoreSchema),
		"connected_resource_types": optional(texts),
		"custom_access_details":    optional(text),
	})
	integrationSchema = integrationFields.with(map[string]field{
		"id":             required(text),
		"type":           required(text),
		"category":       required(text),
		"status":         required(text),
		"last_sync_time": optional(instant),
		"owner":          optional(objectOf(ownerFields).with(sourceRead)),
		"owners_mapping": optional(objectOf(ownersMappingField).with(sourceRead)),
	})
	updateIntegrationSchema = integrationFields.with(map[string]field{
		"owner":          optional(objectOf(ownerFields).with(sourceWrite)),
		"owners_mapping": optional(objectOf(ownersMappingField).with(sourceWrite)),
	})
	createIntegrationSchema = updateIntegrationSchema.with(map[string]field{"type": required(text)})

	catalogSchema = objectOf(map[string]field{
		"name": required(text), "type": required(text), "description": required(text),
		"requires_secret": required(boolean), "supported_secret_types": required(texts),
		"params": required(listOf(objectOf(map[string]field{
			"id": required(text), "label": required(text), "values": required(texts),
			"default": required(text), "optional": required(boolean),
		}))),
	})
	permissionSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "resource_type": required(text),
	})
	resourceSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "type": required(text),
		"status": required(objectOf(map[string]field{"status": required(text), "message": optional(text)})),
	})
	updateTagsSchema = objectOf(map[string]field{"tags": required(textMap)})
)

var integrationRoutes = map[string]route{
	"Integrations.List": {
		query: tokenParams.with(params{"name": one, "type": many, "category": many, "status": many, "connector_id": many}),
		handle: func(s *Server, req *request) (any, *problem) {
			return s.page(Integrations, req, []filter{
				{param: "name", field: "name", pattern: true},
				{param: "type", field: "type", pattern: true},
				{param: "category", field: "category"},
				{param: "status", field: "status"},
				{param: "connector_id", field: "connector_id"},
			})
		},
	},
	"Integrations.Get":             {handle: (*Server).getIntegration},
	"Integrations.Create":          {body: createIntegrationSchema, handle: (*Server).createIntegration},
	"Integrations.Update":          {body: updateIntegrationSchema, handle: (*Server).updateIntegration},
	"Integrations.Delete":          {handle: (*Server).deleteIntegration},
	"Integrations.Refresh":         {handle: (*Server).refreshIntegration},
	"Integrations.ListCatalog":     {query: offsetParams, handle: (*Server).listCatalog},
	"Integrations.GetCatalogEntry": {handle: (*Server).getCatalogEntry},
	"Integrations.ListPermissions": {
		query: offsetParams.with(params{"resource-type": one}),
		handle: func(s *Server, req *request) (any, *problem) {
			return s.listOfIntegration("permissions", "resource_type", req)
		},
	},
	"Integrations.ListResources": {
		query: offsetParams.with(params{"resource-type": one}),
		handle: func(s *Server, req *request) (any, *problem) {
			return s.listOfIntegration("resources", "type", req)
		},
	},
	"Integrations.GetResourceTags":    {handle: (*Server).getTags},
	"Integrations.UpdateResourceTags": {body: updateTagsSchema, handle: (*Server).updateTags},
}

func (s *Server) getIntegration(req *request) (any, *problem) {
	found := s.store.get(Integrations, req.args[0])
	if found == nil {
		return nil, notFound("integration", req.args[0])
	}
	return s.render(Integrations, found), nil
}

func (s *Server) createIntegration(req *request) (any, *problem) {
	created := maps.Clone(req.body)
	created["id"] = s.store.newID()
	completeIntegration(created)
	return s.writeIntegration(created)
}

// updateIntegration replaces all but what the API decides.
func (s *Server) updateIntegration(req *request) (any, *problem) {
	old := s.store.get(Integrations, req.args[0])
	if old == nil {
		return nil, notFound("integration", req.args[0])
	}
	updated := maps.Clone(req.body)
	for _, name := range []string{"id", "type", "category", "status", "last_sync_time"} {
		if value, ok := old[name]; ok {
			updated[name] = value
		}
	}
	return s.writeIntegration(updated)
}

func (s *Server) writeIntegration(o object) (any, *problem) {
	same := s.store.find(Integrations, func(other object) bool { return other["name"] == o["name"] && other["id"] != o["id"] })
	if same != nil {
		return nil, &problem{http.StatusConflict, "name", "another integration has this name"}
	}
	for _, name := range []string{"owner", "owners_mapping"} {
		if owner, ok := o[name].(object); ok {
			if err := s.resolveSource(name, owner); err != nil {
				return nil, err
			}
		}
	}
	s.store.put(Integrations, o)
	return s.render(Integrations, o), nil
}

// resolveSource turns a reference by id or name into the id and name of the
// integration that it means.
func (s *Server) resolveSource(path string, o object) *problem {
	reference, ok := o["source_integration_reference"].(string)
	if !ok {
		return nil
	}
	source := s.store.refer(Integrations, reference)
	if source == nil {
		return invalid(path+".source_integration_reference", "there is no integration %q", reference)
	}
	delete(o, "source_integration_reference")
	o["source_integration_id"], o["source_integration_name"] = source["id"], source["name"]
	return nil
}

func (s *Server) deleteIntegration(req *request) (any, *problem) {
	if !s.store.delete(Integrations, req.args[0]) {
		return nil, notFound("integration", req.args[0])
	}
	return nil, nil
}

func (s *Server) refreshIntegration(req *request) (any, *problem) {
	found := s.store.get(Integrations, req.args[0])
	if found == nil {
		return nil, notFound("integration", req.args[0])
	}
	found["last_sync_time"] = time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return object{"message": "The integration is being refreshed"}, nil
}

func (s *Server) listCatalog(req *request) (any, *problem) { return s.offsetPage(Catalog, req, nil) }

func (s *Server) getCatalogEntry(req *request) (any, *problem) {
	found := s.store.get(Catalog, req.args[0])
	if found == nil {
		return nil, notFound("integration type", req.args[0])
	}
	return found, nil
}

func (s *Server) listOfIntegration(kind, typeField string, req *request) (any, *problem) {
	if s.store.get(Integrations, req.args[0]) == nil {
		return nil, notFound("integration", req.args[0])
	}
	return s.offsetPage(nested(req.args[0], kind), req, []filter{{param: "resource-type", field: typeField}})
}

func (s *Server) getTags(req *request) (any, *problem) {
	id := req.args[0]
	if !s.hasResource(id) {
		return nil, notFound("resource", id)
	}
	tags := s.store.tags[id]
	if tags == nil {
		tags = object{}
	}
	return object{"resource_id": id, "tags": tags}, nil
}

// updateTags replaces the tags; whether the API does or merges them is unknown.
func (s *Server) updateTags(req *request) (any, *problem) {
	id := req.args[0]
	if !s.hasResource(id) {
		return nil, notFound("resource", id)
	}
	s.store.tags[id], _ = req.body["tags"].(object)
	return object{"message": "The tags were updated"}, nil
}

func (s *Server) hasResource(id string) bool {
	for c := range s.store.objects {
		if c.kind() == "resources" && s.store.get(c, id) != nil {
			return true
		}
	}
	return false
}

// completeIntegration adds what the API decides about a new integration.
func completeIntegration(o object) {
	if o["category"] == nil || o["category"] == "" {
		o["category"] = categoryOf(o["type"])
	}
	if o["status"] == nil || o["status"] == "" {
		o["status"] = "ACTIVE"
	}
}

// categoryOf says what a type is for, by the fake's own catalog.
func categoryOf(integrationType any) string {
	name, _ := integrationType.(string)
	if strings.HasSuffix(name, "-idp") || slices.Contains([]string{"okta", "pagerduty"}, name) {
		return "USER-INFORMATION"
	}
	return "RESOURCES"
}
