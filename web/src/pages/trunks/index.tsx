import { PageHeader } from '@/kit/PageHeader';

export default function Page() {
  return <PageHeader />;
}
