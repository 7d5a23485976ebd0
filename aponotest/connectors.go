package aponotest

var (
	connectorSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "status": required(text), "version": required(text),
		"last_connected": optional(instant), "is_latest_version": required(boolean), "cloud_provider_type": required(text),
		"sessions": required(listOf(objectOf(map[string]field{
			"id": required(text), "last_connected_time": required(instant),
			"metadata": required(objectOf(map[string]field{
				"connector_version": optional(text),
				"cloud_provider_metadata": optional(objectOf(map[string]field{
					"kubernetes_type": optional(text), "kubernetes_version": optional(text),
					"is_kubernetes_admin": optional(boolean), "local_deploy": optional(boolean),
					"aws_account_id": optional(text), "region": optional(text), "availability_zone": optional(text),
					"project_id": optional(text), "organization_id": optional(text), "zone": optional(text),
					"subscription_id": optional(text), "resource_group": optional(text), "is_azure_admin": optional(boolean),
				})),
			})),
		}))),
	})
	connectorResource = &resource{
		collection: Connectors, noun: "connector", schema: connectorSchema, update: objectOf(map[string]field{"name": required(text)}),
		filters: []filter{{param: "status", field: "status", many: true}},
		kept:    []string{"status", "version", "last_connected", "is_latest_version", "cloud_provider_type", "sessions"},
	}
)

var connectorRoutes = connectorResource.routes("Connectors", "List", "Get", "Update", "Delete")
