import { usePageTexts } from '@/app/page-context';
import type { Branch, Service } from './permissions';

/** The words for services and their groups; what the texts do not know has the registry's own words. */
export function useServiceTexts() {
  const { textIfAny } = usePageTexts();
  return {
    branchText: (branch: Branch): string =>
      textIfAny(`branch.${keyOf(branch.path)}`) ?? branch.title ?? capitalised(lastOf(branch.path)),
    serviceText: (service: Service): string =>
      textIfAny(`service.${keyOf(service.permission)}`) ??
      textIfAny(`operation.${lastOf(service.permission)}`) ??
      service.summary,
  };
}

function keyOf(path: string): string {
  return path.slice(1).replaceAll('/', '_');
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
