// SPDX-License-Identifier: Apache-2.0
#include "ingest/push.h"

namespace cordwood::ingest {

IngestLimits default_ingest_limits() {
  IngestLimits limits;
  limits.log_level_fields = {"level",    "LEVEL",         "Level",         "log.level",    "severity",
                             "SEVERITY", "Severity",      "SeverityText",  "lvl",          "LVL",
                             "Lvl",      "severity_text", "Severity_Text", "SEVERITY_TEXT"};
  limits.discover_service_name = {"service",
                                  "app",
                                  "application",
                                  "app_name",
                                  "name",
                                  "app_kubernetes_io_name",
                                  "container",
                                  "container_name",
                                  "k8s_container_name",
                                  "component",
                                  "workload",
                                  "job",
                                  "k8s_job_name"};
  limits.otlp_index_labels = {"service.name",
                              "service.namespace",
                              "service.instance.id",
                              "deployment.environment",
                              "deployment.environment.name",
                              "cloud.region",
                              "cloud.availability_zone",
                              "k8s.cluster.name",
                              "k8s.namespace.name",
                              "k8s.pod.name",
                              "k8s.container.name",
                              "container.name",
                              "k8s.replicaset.name",
                              "k8s.deployment.name",
                              "k8s.statefulset.name",
                              "k8s.daemonset.name",
                              "k8s.cronjob.name",
                              "k8s.job.name"};
  return limits;
}

}  // namespace cordwood::ingest
