export function refusal(
  tag: string,
  version: string,
  env: Record<'GITHUB_API_URL' | 'GITHUB_REPOSITORY' | 'GH_TOKEN', string>,
): Promise<string | undefined>
