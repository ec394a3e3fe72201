// Package backup is a client of Backups as a program has one that was written by hand: the types, and a scheme that knows them.
package backup

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

var (
	GroupVersion = schema.GroupVersion{Group: "backup.kylon.io", Version: "v1alpha1"}
	Resource     = GroupVersion.WithResource("backups")
	Kind         = GroupVersion.WithKind("Backup")
)

// Backup has the fields that the checks use; the server has more.
type Backup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitempty"`
}

type Spec struct {
	IncludedNamespaces []string `json:"includedNamespaces,omitempty"`
	IncludedResources  []string `json:"includedResources,omitempty"`
	TTL                string   `json:"ttl,omitempty"`
}

type Status struct {
	Phase              string             `json:"phase,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type BackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Backup `json:"items"`
}

func (b *Backup) DeepCopyObject() runtime.Object { return b.DeepCopy() }

func (b *Backup) DeepCopy() *Backup {
	copied := *b
	b.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	copied.Spec.IncludedNamespaces = append([]string(nil), b.Spec.IncludedNamespaces...)
	copied.Spec.IncludedResources = append([]string(nil), b.Spec.IncludedResources...)
	copied.Status.Conditions = append([]metav1.Condition(nil), b.Status.Conditions...)
	return &copied
}

func (l *BackupList) DeepCopyObject() runtime.Object {
	copied := *l
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	copied.Items = nil
	for _, item := range l.Items {
		copied.Items = append(copied.Items, *item.DeepCopy())
	}
	return &copied
}

// AddTo makes the kinds known to a scheme.
func AddTo(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &Backup{}, &BackupList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// NewClient is a REST client of the group.
func NewClient(config *rest.Config) (rest.Interface, error) {
	scheme := runtime.NewScheme()
	if err := AddTo(scheme); err != nil {
		return nil, err
	}
	typed := rest.CopyConfig(config)
	typed.APIPath = "/apis"
	typed.GroupVersion = &GroupVersion
	typed.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	return rest.RESTClientFor(typed)
}
